"""Whether the service may listen where it is told to: beyond this machine only in a way that passwords are safe on."""

import ipaddress

from api.settings import Settings
from geo_risk.errors import ParameterError


def require_safe(settings: Settings) -> None:
    """Stop before a socket is opened that others could listen in on.

    Raises
    ------
    ParameterError
        The address is not this machine's own, and there is neither TLS nor a named proxy, nor the word that it be so.
    """
    if is_loopback(settings.host) or settings.tls_cert or settings.trusted_proxy or settings.insecure_network:
        return
    raise ParameterError(
        "the service does not go on a network where passwords could be read on the way",
        where="host",
        expected="127.0.0.1; or TLS (GEO_RISK_TLS_CERT, GEO_RISK_TLS_KEY); or a named proxy (GEO_RISK_TRUSTED_PROXY)",
        then="see docs/deploy.md; on a network that nobody else can reach: GEO_RISK_INSECURE_NETWORK=true",
    )


def is_loopback(host: str) -> bool:
    """Whether an address is reached from this machine only.

    >>> is_loopback("127.0.0.1"), is_loopback("::1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, True, False)
    """
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
