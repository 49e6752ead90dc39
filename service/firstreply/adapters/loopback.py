"""Which addresses are those of this machine alone."""

import ipaddress


def is_loopback(host: str) -> bool:
    """Say whether only this machine reaches a host; any name but ``localhost`` may be elsewhere."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
