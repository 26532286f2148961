"""Who asks. Django's own sessions and people, which every request reads, by statements that are planned once."""

from django.contrib.auth.backends import ModelBackend
from django.contrib.sessions.backends import db
from django.contrib.sessions.models import Session
from django.db.models import QuerySet

from reviewqueue.models import User
from reviewqueue.rows import composed, read

SESSION = "SELECT * FROM django_session WHERE session_key = %s AND expire_date > statement_timestamp()"


class SessionStore(db.SessionStore):
    def _get_session_from_db(self) -> Session | None:
        found = read(Session, SESSION, [self.session_key])
        if not found:
            self._session_key = None
        return found[0] if found else None


class Backend(ModelBackend):
    def get_user(self, user_id: int) -> User | None:
        found = _account(user_id)
        return found[0] if found and self.user_can_authenticate(found[0]) else None


@composed
def _account(user: int) -> "QuerySet[User]":
    return User.objects.filter(pk=user)
