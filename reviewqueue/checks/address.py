"""An e-mail address that is neither the customer's nor the house's is likely to be somebody else's."""

import re
from collections.abc import Iterator

from reviewqueue.checks.finding import About, Span
from reviewqueue.checks.link import is_known

_ADDRESS = re.compile(r"(?<![\w.+%-])[\w.+%-]{1,64}@(?:[\w-]{1,63}\.){1,8}[^\W\d_]{2,24}(?![\w@-])")

# Boxes that belong to a job, not to a person.
_JOBS = re.compile(
    r"(?:info|support|help|helpdesk|service|services|customer-?\.?(?:service|care|support)|care|contact|sales|orders?|"
    r"billing|accounts?|invoices?|returns?|refunds?|office|team|privacy|dpo|legal|security|abuse|press|jobs|careers|"
    r"feedback|hello|hi|no-?reply|do-?not-?reply|admin|webmaster|postmaster|"
    r"kontakt|kundenservice|kundendienst|hilfe|rechnung|bestellung|datenschutz|"
    r"contacto|ayuda|soporte|atencion|ventas|pedidos|facturacion|clientes|"
    r"aide|assistance|serviceclient|service-client|commande|facturation|bonjour)",
    re.IGNORECASE,
)

# Hosts that exist for examples alone (RFC 2606).
_EXAMPLES = re.compile(r"(?:.+\.)?(?:example(?:\.(?:com|net|org))?|test|invalid)", re.IGNORECASE)


def address(text: str, about: About) -> Iterator[Span]:
    for match in _ADDRESS.finditer(text):
        whole = match.group().casefold()
        box, _, host = whole.partition("@")
        ours = _JOBS.fullmatch(box) or _EXAMPLES.fullmatch(host) or is_known(host, about) or whole in about.hosts
        if not ours and whole not in about.folded:
            yield match.span()
