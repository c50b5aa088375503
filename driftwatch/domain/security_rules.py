"""Says what a security group's rule lets in, in whichever of three shapes it is written."""

from collections.abc import Iterator, Mapping
from typing import Any

from driftwatch.domain.equality import canonical

Values = Mapping[str, Any]

_SOURCES = {
    "cidr": ("cidr_blocks", "cidr_ipv4"),
    "cidr6": ("ipv6_cidr_blocks", "cidr_ipv6"),
    "prefix": ("prefix_list_ids", "prefix_list_id"),
    "group": ("security_groups", "source_security_group_id", "referenced_security_group_id"),
}
_PROTOCOLS = {"1": "icmp", "6": "tcp", "17": "udp", "58": "icmpv6", "all": "-1"}
_WITH_TYPES = ("icmp", "icmpv6")  # there -1 means every type, and 0 is one of them


def rule_atoms(values: Values, owner: Values) -> Iterator[str]:
    """Name each single source that a rule of the group `owner` lets through a port range."""
    protocol = str(values.get("protocol") or values.get("ip_protocol") or "-1").lower()
    protocol = _PROTOCOLS.get(protocol, protocol)
    ports = [_port(values.get(name), protocol) for name in ("from_port", "to_port")]
    for source in _sources(values):
        itself = owner.get("id") and source == ("group", owner["id"])
        yield canonical([protocol, *ports, *(("self", True) if itself else source)])


def ingress_atoms(values: Values, owner: Values) -> Iterator[str]:
    """Name what a stand-alone rule lets in; none where it is about what goes out."""
    return rule_atoms(values, owner) if values.get("type") == "ingress" else iter(())


def egress_atoms(values: Values, owner: Values) -> Iterator[str]:
    """Name what a stand-alone rule lets out; none where it is about what comes in."""
    return rule_atoms(values, owner) if values.get("type") == "egress" else iter(())


def _sources(values: Values) -> Iterator[tuple[str, Any]]:
    for kind, names in _SOURCES.items():
        for name in names:
            found = values.get(name)
            for source in found if isinstance(found, list) else [found]:
                if source is not None:
                    yield kind, source
    if values.get("self") is True:
        yield "self", True


def _port(value: Any, protocol: str) -> Any:
    if protocol == "-1" or value is None:
        return 0
    return 0 if value == -1 and protocol not in _WITH_TYPES else value
