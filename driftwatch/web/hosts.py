"""Under which names the web may be asked for: a foreign one is another site's, rebound to us."""

from collections.abc import Iterator
from urllib.parse import urlsplit

from driftwatch.config.service_model import WebSettings

_HERE = ("127.0.0.1", "localhost", "[::1]")


def names_here(port: int) -> Iterator[str]:
    """List the names by which this machine asks itself."""
    for host in _HERE:
        yield f"{host}:{port}"
        if port == 80:  # noqa: PLR2004 - the port that browsers leave out
            yield host


def allowed_hosts(settings: WebSettings, server: tuple[str, int]) -> set[str]:
    """List the values of `Host` that are ours; `server` is the address that was connected to."""
    address, port = server
    found = set(names_here(port))
    # Who listens on :: is asked by IPv4 too, and sees such addresses mapped.
    for host in (settings.host, address.removeprefix("::ffff:")):
        if host not in ("0.0.0.0", "::", ""):  # noqa: S104 - every address, so no name
            bare = f"[{host}]" if ":" in host else host
            found |= {bare, f"{bare}:{port}"} if port in (80, 443) else {f"{bare}:{port}"}
    if settings.public_url:
        public = urlsplit(settings.public_url)
        found |= {public.netloc.lower(), (public.hostname or "").lower()}
    return found


def allowed_origins(settings: WebSettings, host: str) -> set[str]:
    """List the values of `Origin` that are ours, given a `Host` that is."""
    found = {f"http://{host}"}
    if settings.public_url:
        public = urlsplit(settings.public_url)
        found.add(f"{public.scheme}://{public.netloc.lower()}")
    return found


def is_public_https(settings: WebSettings, host: str) -> bool:
    """Say whether a request came in over the public address, and that is a secure one."""
    public = urlsplit(settings.public_url)
    return public.scheme == "https" and host in (public.netloc.lower(), public.hostname)
