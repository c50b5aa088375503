"""Builds the environment that terraform gets, from nothing, by an allow-list."""

from collections.abc import Mapping
from pathlib import Path

from driftwatch.domain.environment import Environment

_PASSED = (
    "PATH",
    "LANG",
    "TZ",
    "SSL_CERT_FILE",
    "SSL_CERT_DIR",
    "HTTP_PROXY",
    "HTTPS_PROXY",
    "NO_PROXY",
    "http_proxy",
    "https_proxy",
    "no_proxy",
)
_CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
    "AWS_DEFAULT_REGION",
    "AWS_PROFILE",
    "AWS_CONFIG_FILE",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
    "AWS_ROLE_ARN",
    "AWS_ROLE_SESSION_NAME",
    "AWS_CA_BUNDLE",
    "AWS_EC2_METADATA_DISABLED",
)
_CREDENTIAL_FAMILIES = ("AWS_CONTAINER_", "AWS_ENDPOINT_URL", "GOOGLE_", "ARM_", "AZURE_")
# The provider writes trace logs even when nobody listens, and Go collects garbage eagerly; without
# either, a plan takes about a quarter less CPU (benchmarks/README.md).
_FASTER = {
    "GOGC": "400",
    "TF_LOG_SDK": "off",
    "TF_LOG_PROVIDER": "off",
    "TF_LOG_SDK_PROTO": "off",
    "TF_LOG_SDK_MUX": "off",
    "TF_LOG_SDK_FRAMEWORK": "off",
    "TF_LOG_SDK_HELPER_SCHEMA": "off",
}
_NEVER = (
    "TF_CLI_ARGS",
    "TF_CLI_CONFIG_FILE",
    "TF_DATA_DIR",
    "TF_IN_AUTOMATION",
    "TF_INPUT",
    "TF_LOG",
    "TF_PLUGIN_CACHE",
    "TF_REATTACH_PROVIDERS",
    "TF_WORKSPACE",
    "TERRAFORM_CONFIG",
    "LD_",
    "DYLD_",
)
# Ways to other credentials than those of a role that was assumed.
_OTHER_IDENTITIES = (
    "AWS_CONFIG_FILE",
    "AWS_CONTAINER_",
    "AWS_PROFILE",
    "AWS_ROLE_",
    "AWS_SHARED_CREDENTIALS_FILE",
    "AWS_WEB_IDENTITY_TOKEN_FILE",
)


def base_environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """Pass on what a program needs to run at all: where programs, certificates, proxies are."""
    return {
        name: value
        for name, value in inherited.items()
        if name in _PASSED or name.startswith("LC_")
    }


def credentials_of(inherited: Mapping[str, str]) -> dict[str, str]:
    """Pass on the clouds' standard credential variables.

    Terraform gets a home of its own, so the AWS files of the real one are named by path.
    """
    found = {
        name: value
        for name, value in inherited.items()
        if name in _CREDENTIALS or name.startswith(_CREDENTIAL_FAMILIES)
    }
    home = Path(inherited.get("HOME", "/"))
    for name, file in (
        ("AWS_CONFIG_FILE", "config"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials"),
    ):
        path = home / ".aws" / file
        if path.is_file():
            found.setdefault(name, str(path))
    return found


def environment_of(
    environment: Environment, inherited: Mapping[str, str], session: Mapping[str, str]
) -> dict[str, str]:
    """Build what an environment's terraform gets; `session` holds an assumed role's credentials.

    What would change what terraform does (`TF_CLI_ARGS`, `TF_WORKSPACE`, …) is passed neither from
    the process nor from the configuration. A session leaves no way to another identity.
    """
    own = {name: inherited[name] for name in environment.inherit_env if name in inherited}
    own |= environment.env
    given = {
        **base_environment(inherited),
        **credentials_of(inherited),
        **{name: value for name, value in own.items() if not name.startswith(_NEVER)},
    }
    if session:
        given = {n: value for n, value in given.items() if not n.startswith(_OTHER_IDENTITIES)}
    return {
        **_FASTER,
        **given,
        **session,
        **{f"TF_VAR_{name}": value for name, value in environment.variables.items()},
        "TF_IN_AUTOMATION": "1",
        "TF_INPUT": "0",
        "CHECKPOINT_DISABLE": "1",
    }
