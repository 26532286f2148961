"""What a WSGI server loads: granian here, any other elsewhere."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

application = get_wsgi_application()

from reviewqueue.refusals import Request  # noqa: E402  it needs the settings, which are there now

# A Content-Type that Python cannot read is refused as any other bad input, not by a crash before our middleware.
application.request_class = Request
