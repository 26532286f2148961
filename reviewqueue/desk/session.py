"""Django's own sessions, which every request reads, by a statement whose plan is kept."""

from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session

from reviewqueue.rows import read

SESSION = "SELECT * FROM django_session WHERE session_key = %s AND expire_date > statement_timestamp()"


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        found = read(Session, SESSION, [self.session_key])
        if not found:
            self._session_key = None
        return found[0] if found else None
