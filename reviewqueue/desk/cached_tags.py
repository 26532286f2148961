"""Django's own `translate` and `url`, drawn once and kept: every third node of the desk's page is one of them, and
looking for each anew is a third of what the page costs to draw (docs/decisions/0008)."""

from functools import lru_cache

from django.template import Context, Library, Node
from django.template.base import Parser, Token
from django.template.defaulttags import URLNode
from django.template.defaulttags import url as django_url
from django.templatetags.i18n import TranslateNode, do_translate
from django.urls import get_script_prefix, reverse
from django.utils.html import escape
from django.utils.safestring import SafeString
from django.utils.translation import get_language

register = Library()


class Words(Node):
    """Constant words, translated once for each language."""

    child_nodelists = ()

    def __init__(self, node: TranslateNode) -> None:
        self.node = node
        self.said: dict[str | None, str] = {}

    def render(self, context: Context) -> str:
        language = get_language()
        said = self.said.get(language)
        if said is None:
            said = self.said[language] = self.node.render(context)
        return said


@register.tag
def translate(parser: Parser, token: Token) -> Node:
    node = do_translate(parser, token)
    expression = node.filter_expression
    constant = getattr(expression.var, "literal", None) is not None and not expression.filters
    return Words(node) if constant and not (node.asvar or node.message_context) else node


class Address(URLNode):
    """An address by its positional arguments, of which one page asks for the same a dozen times. Its view has no
    namespace."""

    def render(self, context: Context) -> str:
        if self.kwargs or self.asvar or not context.autoescape:
            return super().render(context)
        return _address(
            get_script_prefix(), self.view_name.resolve(context), *(arg.resolve(context) for arg in self.args)
        )


@lru_cache(maxsize=10_000, typed=True)
def _address(prefix: str, name: str, *args: object) -> SafeString:
    return escape(reverse(name, args=args))


@register.tag
def url(parser: Parser, token: Token) -> Node:
    node = django_url(parser, token)
    return Address(node.view_name, node.args, node.kwargs, node.asvar)
