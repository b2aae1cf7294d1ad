"""Who asks and over what, as a proxy says it; believed only from the addresses that the setting ``trusted_proxy`` names."""

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from starlette.types import Scope

from geo_risk.errors import ParameterError, shown

Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Network = ipaddress.IPv4Network | ipaddress.IPv6Network
_SAYS: Final = frozenset({b"forwarded", b"x-forwarded-for", b"x-forwarded-proto", b"x-forwarded-host", b"x-real-ip", b"via"})


class Proxies(tuple[Network, ...]):
    """The networks whose proxies are believed."""

    __slots__ = ()

    @classmethod
    def named(cls, texts: Iterable[str]) -> "Proxies":
        """From addresses and networks as text; `ParameterError` where one is neither.

        >>> Proxies.named(["10.1.2.3", "fd00::/8"]).hold("10.1.2.3")
        True
        """
        return cls(_network(text) for text in texts)

    def hold(self, host: str) -> bool:
        """Whether a proxy at that address is believed."""
        found = address(host)
        return found is not None and any(found in network for network in self)


NONE_NAMED: Final = Proxies()


@lru_cache(maxsize=4096)
def address(text: str) -> Address | None:
    """The address that a text is, an IPv4 one within IPv6 as itself; None where it is none.

    >>> address("::ffff:10.0.0.1"), address("10.0.0.1:80"), address("<b>")
    (IPv4Address('10.0.0.1'), None, None)
    """
    try:
        found = ipaddress.ip_address(text) if len(text) < 64 else None
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def believe(scope: Scope, proxies: Proxies) -> None:
    """Put into the scope what a trusted proxy says: the last address in its list that is no proxy's, and https.

    What is no address is not believed; the proxy's own address stays then.
    """
    if not proxies or not scope.get("client") or not proxies.hold(scope["client"][0]):
        return
    said = [(name, value.decode("latin-1")) for name, value in scope["headers"] if name in _SAYS]
    hops = [hop.strip() for name, text in said if name == b"x-forwarded-for" for hop in text.split(",")]
    asker = next((hop for hop in reversed(hops) if not proxies.hold(hop)), None)
    if asker is not None and address(asker) is not None:
        scope["client"] = (str(address(asker)), 0)
    if [text for name, text in said if name == b"x-forwarded-proto"] == ["https"]:
        scope["scheme"] = "https"


def is_beside(scope: Scope) -> bool:
    """Whether a request comes from this machine itself and not, for all that can be seen, through a proxy on it."""
    found = address(scope["client"][0]) if scope.get("client") else None
    return found is not None and found.is_loopback and not any(name in _SAYS for name, _ in scope["headers"])


def _network(text: str) -> Network:
    try:
        return ipaddress.ip_network(text)
    except ValueError:
        raise ParameterError(
            "a trusted proxy is named by its address", where="trusted_proxy",
            expected="an address or a network such as 10.0.0.0/28", got=shown(text), then="mend GEO_RISK_TRUSTED_PROXY",
        ) from None
