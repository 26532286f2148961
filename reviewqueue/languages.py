"""Which languages the house knows by their code. A pure rule: it asks nothing and nobody."""

# The two-letter codes of ISO 639-1.
TWO_LETTERS = (
    "aa ab ae af ak am an ar as av ay az ba be bg bi bm bn bo br bs ca ce ch co cr cs cu cv cy da de dv dz ee el en "
    "eo es et eu fa ff fi fj fo fr fy ga gd gl gn gu gv ha he hi ho hr ht hu hy hz ia id ie ig ii ik io is it iu ja jv "
    "ka kg ki kj kk kl km kn ko kr ks ku kv kw ky la lb lg li ln lo lt lu lv mg mh mi mk ml mn mr ms mt my na nb nd ne "
    "ng nl nn no nr nv ny oc oj om or os pa pi pl ps pt qu rm rn ro ru rw sa sc sd se sg si sk sl sm sn so sq sr ss "
    "st su sv sw ta te tg th ti tk tl tn to tr ts tt tw ty ug uk ur uz ve vi vo wa wo xh yi yo za zh zu"
)

# In real use, and without two letters; or, as those of African data sets, sent in this form all the same.
THREE_LETTERS = (
    "acm aeb afb ajp amh apc apd ars arq ary arz ast awa bal bcl ber bew bho bik bjn bug ceb ckb cmn doi dyu fil fuv "
    "gom gsw hak hau haw hil hmn hne ibo ilo kab kac kam kin kmb kmr kok kon kri lij lmo lua lug luo lus mad mag mai "
    "mfe min mni mnw mos nan nap nds nso nya orm pag pam pap pbt pcm prs quc quy raj rom sat scn shi shn sna snd som "
    "swa syl szl tir tpi tso tum twi tzm umb vec war wuu xho ydd yor yue zgh zul"
)

KNOWN = frozenset(f"{TWO_LETTERS} {THREE_LETTERS}".split())

UNKNOWN = "und"

# Written without spaces between words.
UNSPACED = frozenset({"zh", "ja", "th", "lo", "km", "my"})

# The languages whose words PostgreSQL knows to bring to their stem, and what it calls them.
STEMMED = {
    "ar": "arabic", "hy": "armenian", "eu": "basque", "ca": "catalan", "da": "danish", "nl": "dutch", "en": "english",
    "fi": "finnish", "fr": "french", "de": "german", "el": "greek", "hi": "hindi", "hu": "hungarian",
    "id": "indonesian", "ga": "irish", "it": "italian", "lt": "lithuanian", "ne": "nepali", "no": "norwegian",
    "nb": "norwegian", "nn": "norwegian", "pt": "portuguese", "ro": "romanian", "ru": "russian", "sr": "serbian",
    "es": "spanish", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def primary(tag: str) -> str:
    """The language of a BCP 47 tag in lower case, `und` where nobody speaks it: anybody can make up a code."""
    language = tag.split("-")[0].lower()
    return language if language in KNOWN else UNKNOWN
