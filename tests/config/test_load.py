"""Loading driftwatch.yaml: what it means, and what is refused."""

import os
from datetime import timedelta
from pathlib import Path

import pytest

from driftwatch.config.load import load_config, process_environment
from driftwatch.config.model import Config
from driftwatch.config.places import builtin_policies
from driftwatch.domain.environment import AwsRole
from driftwatch.errors import ConfigError

HOME = {"HOME": "/home/ops"}
ROLE = "arn:aws:iam::123456789012:role/driftwatch"
MINIMAL = "repositories: {live: {url: 'https://example.org/live.git'}}\n"


def load(directory: Path, text: str, **environ: str) -> Config:
    file = directory / "driftwatch.yaml"
    file.write_text(text, encoding="utf-8")
    return load_config(file, HOME | environ)


def refusals(directory: Path, text: str, **environ: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        load(directory, text, **environ)
    prefix = f"{directory}/driftwatch.yaml:"
    return [line.removeprefix(prefix) for line in str(caught.value).splitlines()]


def test_a_file_with_one_repository_is_enough(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL)
    assert [(r.name, r.url, r.branch) for r in config.repositories] == [
        ("live", "https://example.org/live.git", None)
    ]
    assert config.path == tmp_path / "driftwatch.yaml"
    assert config.data_dir == Path("/home/ops/.local/state/driftwatch")
    assert config.reports_dir == tmp_path / "reports"
    assert config.policies == (builtin_policies(),)
    assert config.retention == timedelta(days=90)
    assert config.parallelism == os.cpu_count()
    assert config.formats == ("html", "markdown")
    assert config.environments == ()
    assert config.secrets == ()


def test_state_goes_where_xdg_says(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL, XDG_STATE_HOME="/var/s").data_dir == Path("/var/s/driftwatch")


def test_a_relative_xdg_directory_is_ignored_as_its_specification_asks(tmp_path: Path) -> None:
    config = load(tmp_path, MINIMAL, XDG_STATE_HOME="s")
    assert config.data_dir == Path("/home/ops/.local/state/driftwatch")


def test_without_a_home_state_stays_beside_the_file(tmp_path: Path) -> None:
    assert load(tmp_path, MINIMAL, HOME="").data_dir == tmp_path / ".local/state/driftwatch"


def test_every_setting_reaches_the_configuration(tmp_path: Path) -> None:
    (tmp_path / "rules").mkdir()
    config = load(
        tmp_path,
        f"""\
repositories:
  live: {{url: ./infra, branch: main, submodules: true, web_url: https://example.org/live}}
  keys: {{url: git@example.org:keys.git, ssh_key: ~/.ssh/id}}
environments:
  prod:
    path: ./environments/prod/
    repository: live
    workspace: blue
    var_files: [prod.tfvars, ../common.tfvars]
    backend_config: key=prod
    variables: {{region: eu-west-1, zones: [a, b], n: 3, on: true, account: 012345678901}}
    env: {{AWS_MAX_ATTEMPTS: 9}}
    inherit_env: HTTPS_PROXY
    terraform: {{binary: tools/tofu, version: 1.9.8, parallelism: 20}}
    aws:
      role_arn: {ROLE}
      external_id: x-1
      region: eu-west-1
      session_policy: {{Version: "2012-10-17", Statement: []}}
      duration: 30m
    owners: platform
    labels: [critical]
    timeout: 1h30m
    stale_after: 2d
policies: {{builtin: false, paths: [rules]}}
reports: {{directory: out, formats: [json, json, sarif]}}
data_dir: state
parallelism: 7
retention: 4w
release_mirror: http://127.0.0.1:8000
""",
    )
    live, keys = config.repositories
    assert (live.url, live.branch, live.submodules) == (str(tmp_path / "infra"), "main", True)
    assert live.web_url == "https://example.org/live"
    assert keys.ssh_key == "/home/ops/.ssh/id"
    prod = config.environments[0].template
    assert (prod.name, prod.repository, prod.directory) == ("prod", "live", "environments/prod")
    assert prod.workspace == "blue"
    assert prod.var_files == ("prod.tfvars", "../common.tfvars")
    assert prod.backend_config == ("key=prod",)
    assert prod.variables == {
        "region": "eu-west-1",
        "zones": '["a", "b"]',
        "n": "3",
        "on": "true",
        "account": "012345678901",
    }
    assert prod.env == {"AWS_MAX_ATTEMPTS": "9"}
    assert prod.inherit_env == ("HTTPS_PROXY",)
    assert (prod.binary, prod.version) == (str(tmp_path / "tools/tofu"), "1.9.8")
    assert prod.parallelism == 20
    assert prod.aws == AwsRole(
        ROLE, "x-1", "eu-west-1", '{"Version":"2012-10-17","Statement":[]}', timedelta(minutes=30)
    )
    assert (prod.owners, prod.labels) == (("platform",), ("critical",))
    assert (prod.timeout, prod.stale_after) == (timedelta(minutes=90), timedelta(days=2))
    assert config.policies == (tmp_path / "rules",)
    assert (config.data_dir, config.reports_dir) == (tmp_path / "state", tmp_path / "out")
    assert config.formats == ("json", "sarif")
    assert (config.parallelism, config.retention) == (7, timedelta(weeks=4))
    assert config.release_mirror == "http://127.0.0.1:8000"


def test_the_example_of_the_documentation_loads(tmp_path: Path) -> None:
    guide = Path(__file__).parents[2] / "docs" / "configuration.md"
    example = guide.read_text(encoding="utf-8").split("```yaml\n")[1].split("```")[0]
    (tmp_path / "policies").mkdir()
    config = load(
        tmp_path,
        example,
        GIT_TOKEN="t0ken",
        MAIL_PASSWORD="pass-word",
        PAGER_URL="pagerduty://token@key",
    )
    assert [route.name for route in config.notifications.routes] == [
        "platform",
        "managers",
        "on-call",
    ]
    assert [s.template.name for s in config.environments] == ["prod", "staging", "apps-{name}"]
    assert config.repositories[0].password == "t0ken"


def test_defaults_cascade(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        f"""\
{MINIMAL}
defaults:
  timeout: 10m
  owners: [platform]
  variables: {{region: eu-west-1, size: s}}
  terraform: {{binary: tofu, version: 1.8.0}}
  aws: {{role_arn: {ROLE}}}
environments:
  plain: {{path: a}}
  own:
    {{path: b, timeout: 5m, owners: [web], variables: {{size: l}}, terraform: {{version: 1.9.8}}}}
  none: {{path: c, aws: null, terraform: {{version: null}}}}
""",
    )
    plain, own, none = (spec.template for spec in config.environments)
    assert (plain.timeout, plain.owners) == (timedelta(minutes=10), ("platform",))
    assert plain.aws == AwsRole(ROLE)
    assert (own.timeout, own.owners) == (timedelta(minutes=5), ("web",))
    assert own.variables == {"region": "eu-west-1", "size": "l"}
    assert (own.binary, own.version) == ("tofu", "1.9.8")
    assert none.aws is None
    assert (none.binary, none.version) == ("tofu", None)
    assert (config.terraform.binary, config.terraform.version) == ("tofu", "1.8.0")


def test_own_policies_speak_before_those_that_come_along(tmp_path: Path) -> None:
    (tmp_path / "own.yaml").touch()
    config = load(tmp_path, f"{MINIMAL}policies: {{paths: own.yaml}}\n")
    assert config.policies == (tmp_path / "own.yaml", builtin_policies())


def test_every_secret_is_known_so_that_it_can_be_masked(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        f"""\
repositories:
  a: {{url: https://example.org/a.git, password: "${{env:TOKEN}}"}}
  b: {{url: https://example.org/b.git, password: written-down}}
environments:
  x: {{path: a, repository: a, aws: {{role_arn: {ROLE}, external_id: shared-id}}}}
  y: {{path: b, repository: b, variables: {{db: "postgres://u:${{env:DB}}@h/${{env:N}}"}}}}
""",
        TOKEN="t0ken-value",
        DB="s3cret-db",
        N="1",
    )
    assert config.secrets == ("s3cret-db", "shared-id", "t0ken-value", "written-down")
    assert config.environments[1].template.variables == {"db": "postgres://u:s3cret-db@h/1"}
    assert "t0ken-value" not in repr(config.repositories)


def test_every_problem_is_told_at_once_in_the_order_of_the_file(tmp_path: Path) -> None:
    text = """\
repositories:
  live: {url: 'https://example.org/a', brnach: main, password: 1234}
  live: {url: './b'}
defaults: {timeout: 30 minutes, terraform: {version: 1.10}}
environments:
  prod: {pth: a, owners: 4}
  glob: {path: "*", workspace: "${env:NOT_SET}"}
  "bad name!": {path: ../a}
  ok: {path: a, var_files: [../../x.tfvars], repository: zz}
parallelism: lots
policies: {paths: [nowhere]}
environmets: {}
"""
    assert refusals(tmp_path, text) == [
        "2:40: repositories.live.brnach: unknown key; did you mean 'branch'?",
        "2:64: repositories.live.password: must be text; if it is meant as text, put it in quotes",
        "3:3: repositories.live: given twice; the first is on line 2",
        (
            "4:21: defaults.timeout: '30 minutes' is not a duration above zero: write 30s, 15m,"
            " 24h, 7d or 1h30m"
        ),
        "4:54: defaults.terraform.version: must be text; if it is meant as text, put it in quotes",
        "6:3: environments.prod.path: is required",
        "6:10: environments.prod.pth: unknown key; did you mean 'path'?",
        "6:26: environments.prod.owners: must be a list",
        (
            "7:3: environments.glob: a glob finds several directories, so the name must hold {name}"
            " or {path}"
        ),
        "7:32: environments.glob.workspace: the environment variable NOT_SET is not set",
        (
            "8:3: environments.bad name!: 'bad name!' is not a name: up to 63 letters, digits,"
            " dots, dashes, underscores, {name} and {path}"
        ),
        (
            "8:23: environments.bad name!.path: '../a' must be a path inside the repository,"
            " without .."
        ),
        "9:29: environments.ok.var_files[0]: ../../x.tfvars leaves the repository",
        "9:58: environments.ok.repository: there is no repository 'zz'; known: live",
        "10:14: parallelism: must be a whole number",
        "11:20: policies.paths[0]: there is no nowhere",
        "12:1: environmets: unknown key; did you mean 'environments'?",
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "1:1: repositories: is required"),
        ("# nothing\n", "1:1: repositories: is required"),
        ("- a\n", "1:1: must be a map of keys and values"),
        ("repositories: {}\n", "1:15: repositories: must not be empty"),
        ("repositories: live\n", "1:15: repositories: must be a map of keys and values"),
        (
            f"{MINIMAL}zzz: 1\n",
            (
                "2:1: zzz: unknown key; known here: daemon, data_dir, defaults, environments,"
                " notifications, parallelism, policies, release_mirror, reports, repositories,"
                " retention, web, windows"
            ),
        ),
        (
            "repositories: {a: {url: ./a}, b: {url: ./b}}\nenvironments: {x: {path: a}}\n",
            "2:16: environments.x.repository: is required, as there are several: a, b",
        ),
        (
            f"{MINIMAL}defaults: {{repository: nope}}\n",
            "2:24: defaults.repository: there is no repository 'nope'; known: live",
        ),
        (
            f"{MINIMAL}environments: {{prod: {{path: a}}, PROD: {{path: b}}}}\n",
            "2:33: environments.PROD: differs from 'prod' in the case of letters only",
        ),
        (
            f"{MINIMAL}environments: {{'a{{dir}}': {{path: a}}}}\n",
            "2:16: environments.a{dir}: only {name} and {path} can stand in braces",
        ),
        (
            f"{MINIMAL}environments: {{x: {{path: a, aws: {{region: eu-west-1}}}}}}\n",
            "2:34: environments.x.aws: role_arn is required",
        ),
        (
            (
                f"{MINIMAL}environments: {{x: {{path: a, aws: {{role_arn: '{ROLE}', "
                "duration: 1m}}}\n"
            ),
            "2:100: environments.x.aws.duration: AWS gives sessions of 15m to 12h",
        ),
        (
            "repositories: {a: {url: ./a, password: x}}\n",
            "1:40: repositories.a.password: is only of use with an https URL",
        ),
        (
            "repositories: {a: {url: 'https://h/a', ssh_key: x}}\n",
            "1:49: repositories.a.ssh_key: is only of use with an ssh URL",
        ),
        (
            "repositories: {a: {url: 'https://u:p@h/a'}}\n",
            (
                "1:25: repositories.a.url: credentials do not belong in a URL: use username and"
                " password"
            ),
        ),
        (
            f"{MINIMAL}environments: {{x: {{path: a, variables: {{v: null}}}}}}\n",
            "2:44: environments.x.variables.v: null is no value; leave the variable out",
        ),
        (
            f"{MINIMAL}environments: {{x: {{path: a, aws: {{role: {ROLE}}}}}}}\n",
            "2:35: environments.x.aws.role: unknown key; did you mean 'role_arn'?",
        ),
        (
            f"{MINIMAL}reports: {{formats: [pdf]}}\n",
            "2:21: reports.formats[0]: must be 'html', 'markdown', 'json', 'sarif' or 'junit'",
        ),
        (
            f"{MINIMAL}defaults: {{aws: {{session_policy: '{{'}}}}\n",
            (
                "2:34: defaults.aws.session_policy: an IAM policy is needed: a map, or JSON text of"
                " one"
            ),
        ),
        (
            f"{MINIMAL}defaults: {{aws: {{session_policy: {{Statement: [{'a' * 2100}]}}}}}}\n",
            (
                "2:34: defaults.aws.session_policy: AWS takes session policies of 2,048 characters"
                " only"
            ),
        ),
        (
            f"{MINIMAL}defaults: {{timeout: 30}}\n",
            (
                "2:21: defaults.timeout: 30 is not a duration above zero: write 30s, 15m, 24h, 7d"
                " or 1h30m"
            ),
        ),
    ],
)
def test_a_configuration_is_refused(tmp_path: Path, text: str, expected: str) -> None:
    assert refusals(tmp_path, text) == [expected]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("url", "ext::sh -c id"),
        ("url", "--upload-pack=id"),
        ("url", "file://host/x"),
        ("branch", "-f"),
        ("branch", "a..b"),
        ("branch", "a b"),
    ],
)
def test_what_git_could_take_for_an_order_is_refused(tmp_path: Path, key: str, value: str) -> None:
    given = {"url": "./a"} | {key: value}
    text = "".join(f"    {k}: {v!r}\n" for k, v in given.items())
    (line,) = refusals(tmp_path, f"repositories:\n  a:\n{text}")
    assert f"repositories.a.{key}: {value!r} is not" in line


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("env", "{TF_CLI_ARGS_plan: -destroy}"),
        ("env", "{TF_DATA_DIR: x}"),
        ("inherit_env", "[TF_WORKSPACE]"),
        ("workspace", "-x"),
        ("terraform", "{binary: '-x'}"),
        ("terraform", "{version: latest}"),
        ("terraform", "{parallelism: 0}"),
        ("var_files", "[/etc/passwd]"),
        ("var_files", "[~/x.tfvars]"),
        ("var_files", '["a\\nb"]'),
        ("path", "/etc"),
        ("stale_after", "0s"),
        ("aws", "{role_arn: arn:aws:s3:::b}"),
    ],
)
def test_what_could_escape_a_check_is_refused(tmp_path: Path, key: str, value: str) -> None:
    given = {"path": "a"} | {key: value}
    text = "".join(f"    {k}: {v}\n" for k, v in given.items())
    (line,) = refusals(tmp_path, f"{MINIMAL}environments:\n  x:\n{text}")
    assert f"environments.x.{key}" in line


def test_the_value_of_a_variable_is_in_no_error(tmp_path: Path) -> None:
    text = """\
repositories: {a: {url: "${env:URL}", branch: "b ${env:BRANCH}"}}
environments: {x: {path: a, timeout: "${env:LIMIT}", repository: "${env:WHERE}"}}
"""
    lines = refusals(tmp_path, text, URL="hush hush", BRANCH="hush!", LIMIT="9x", WHERE="hidden")
    assert lines == [
        (
            "1:25: repositories.a.url: the value of ${env:URL} is not a repository: write https://…,"
            " ssh://…, user@host:path, or a path such as ./infra"
        ),
        "1:47: repositories.a.branch: the value of ${env:BRANCH} is not the name of a branch",
        (
            "2:38: environments.x.timeout: the value of ${env:LIMIT} is not a duration above zero:"
            " write 30s, 15m, 24h, 7d or 1h30m"
        ),
        "2:66: environments.x.repository: there is no repository '***'; known: a",
    ]


def test_where_everything_is_broken_only_that_is_told(tmp_path: Path) -> None:
    lines = refusals(tmp_path, "repositories: 3\nenvironments: {x: {path: a, repository: b}}\n")
    assert lines == ["1:15: repositories: must be a map of keys and values"]


def test_the_environment_of_the_process_fills_in_references(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DRIFTWATCH_TEST_URL", "https://example.org/here.git")
    file = tmp_path / "driftwatch.yaml"
    file.write_text('repositories: {a: {url: "${env:DRIFTWATCH_TEST_URL}"}}\n')
    assert load_config(file).repositories[0].url == "https://example.org/here.git"
    assert process_environment()["DRIFTWATCH_TEST_URL"] == "https://example.org/here.git"
