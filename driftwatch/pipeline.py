"""The story of one check, and of one pass over all environments."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor, as_completed
from dataclasses import dataclass, replace
from datetime import datetime
from functools import partial
from posixpath import dirname, join, normpath
from urllib.parse import quote

from driftwatch.domain.codeowners import find_owners, parse_codeowners
from driftwatch.domain.comparison import compare
from driftwatch.domain.declarations import Declarations, PlanDeclarations
from driftwatch.domain.environment import Environment, Repository
from driftwatch.domain.lifecycle import carried, decide
from driftwatch.domain.masking import Masker
from driftwatch.domain.model import Failure, Report, Status
from driftwatch.domain.plan import parse_plan
from driftwatch.domain.policy import EnvironmentFacts, Rule, judge
from driftwatch.domain.snooze import Snooze
from driftwatch.errors import Cause, CouldNotLook, StoreError
from driftwatch.hcl.configuration import Configuration, Link, read_configuration
from driftwatch.ports import (
    Checkout,
    Clock,
    Git,
    History,
    PlanDocument,
    Progress,
    Snoozes,
    SourceFiles,
    Terraform,
)


@dataclass(frozen=True, slots=True)
class Judgement:
    """What turns a plan document into a report: rules, known secrets, the installation's key."""

    rules: Sequence[Rule]
    secrets: tuple[str, ...]
    key: bytes

    def masker(self) -> Masker:
        """Start a masker that knows every secret that the configuration holds."""
        return Masker(self.key, self.secrets)


@dataclass(slots=True)
class Known:
    """What a check knows by now; it learns in this order, and any step may be its last."""

    blank: Report
    previous: Report | None = None
    snoozes: Sequence[Snooze] = ()

    def remember(self, previous: Report | None) -> None:
        """Take over what was last known; should nobody say more of snoozes, those go on."""
        self.previous = previous
        decisions = previous.decisions if previous else ()
        self.snoozes = tuple(d.snooze for d in decisions if d.snooze)


@dataclass(frozen=True, slots=True)
class Pipeline:
    """Fields are what a check needs; methods are what it does."""

    git: Git
    terraform: Terraform
    sources: SourceFiles
    history: History
    snoozes: Snoozes
    judgement: Judgement
    now: Clock

    def check(
        self, environment: Environment, repository: Repository, commit: str, progress: Progress
    ) -> Report:
        """Look at one environment, and change nothing outside the data directory."""
        blank = replace(blank_report(environment, self.now()), commit=commit)
        masker = self.judgement.masker()

        def look(known: Known) -> Report:
            with self.git.checkout(repository, commit) as checkout:
                known.blank = self._owned(known.blank, checkout)
                document = self.terraform.plan(environment, checkout, progress)
                code = read_configuration(
                    environment.directory, partial(self.sources.read, checkout), _link(checkout)
                )
                context = (self.judgement.rules, known.previous, masker)
                report = examine(document, code, known.blank, context, known.snoozes)
                origins = _origins(environment, code)
                notes = filter(None, (known.blank.sources_note, *code.notes))
                note = masker.scrub(" ".join(notes))
                return replace(report, directories=origins, sources_note=note)

        return self._guarded(blank, masker, look)

    def _owned(self, blank: Report, checkout: Checkout) -> Report:
        """Let CODEOWNERS say whom it concerns, where the configuration does not."""
        found = None if blank.owners else self.sources.owners(checkout)
        if found is None:
            return blank
        place, content = found
        rules = parse_codeowners(content)
        note = " ".join(f"{place}: {note}." for note in rules.notes)
        return replace(blank, owners=find_owners(rules, blank.directory), sources_note=note)

    def unreachable(self, environment: Environment, error: CouldNotLook) -> Report:
        """Report that an environment's repository cannot be reached."""

        def look(_: Known) -> Report:
            raise error

        return self._guarded(blank_report(environment, self.now()), self.judgement.masker(), look)

    def _guarded(self, blank: Report, masker: Masker, look: Callable[[Known], Report]) -> Report:
        """Turn whatever ends a look early into a report of that."""
        known = Known(blank)
        try:
            known.remember(self.history.last_looked(blank.environment))
            known.snoozes = self.snoozes.active(blank.environment)
            report = look(known)
        except CouldNotLook as error:
            report = failed(known, _failure(error, masker))
        except StoreError as error:
            report = failed(known, Failure(Cause.MACHINE, masker.scrub(str(error))))
        except Exception as error:  # noqa: BLE001 - whatever broke here must not end other checks
            report = failed(known, _failure(_internal(error), masker))
        return replace(report, duration=(self.now() - blank.checked_at).total_seconds())

    def fetch(
        self, repositories: Iterable[Repository], executor: Executor
    ) -> dict[str, str | CouldNotLook]:
        """Bring every repository up to date once; an unreachable one is a value, not an end."""
        waiting = {r.name: executor.submit(self.fetch_one, r) for r in repositories}
        return {name: future.result() for name, future in waiting.items()}

    def fetch_one(self, repository: Repository) -> str | CouldNotLook:
        """Bring one repository up to date; what keeps that from happening is a value."""
        try:
            return self.git.fetch(repository)
        except CouldNotLook as error:
            return error
        except Exception as error:  # noqa: BLE001 - one repository must not end the others' checks
            return _internal(error)

    def check_all(
        self,
        environments: Sequence[Environment],
        repositories: Mapping[str, Repository],
        commits: Mapping[str, str | CouldNotLook],
        executor: Executor,
        progress: Callable[[str, str], None],
    ) -> Iterator[Report]:
        """Check environments at once and give each report, saved, as soon as it is there.

        A report that cannot be saved is given too; the `StoreError` follows after the last one.
        """
        futures = []
        for environment in environments:
            commit = commits[environment.repository]
            if isinstance(commit, CouldNotLook):
                futures.append(executor.submit(self.unreachable, environment, commit))
                continue
            repository = repositories[environment.repository]
            tell = partial(progress, environment.name)
            futures.append(executor.submit(self.check, environment, repository, commit, tell))
        unsaved: StoreError | None = None
        for future in as_completed(futures):
            report = future.result()
            try:
                self.history.add(report)
            except StoreError as error:
                unsaved = unsaved or error
            yield report
        if unsaved:
            raise unsaved


def examine(
    document: PlanDocument,
    code: Declarations | None,
    blank: Report,
    context: tuple[Sequence[Rule], Report | None, Masker],
    snoozes: Sequence[Snooze] = (),
) -> Report:
    """Turn a plan document into a report: parse, compare, judge, decide. Pure."""
    rules, previous, masker = context
    plan = parse_plan(document.content, masker)
    drifts = compare(plan, code or PlanDeclarations(plan))
    facts = EnvironmentFacts(blank.environment, blank.labels, blank.owners)
    findings = judge(drifts, rules, facts)
    decisions, resolved = decide(findings, previous, blank.checked_at, snoozes)
    report = replace(
        blank,
        tool=document.tool or f"terraform {plan.terraform_version}",
        resources=plan.resources,
        decisions=decisions,
        resolved=resolved,
        redactions=masker.count,
        proven_at=blank.checked_at,
        in_sync_at=previous.in_sync_at if previous else None,
    )
    in_sync = report.status is Status.IN_SYNC
    return replace(report, in_sync_at=blank.checked_at) if in_sync else report


def blank_report(environment: Environment, now: datetime) -> Report:
    """Start a report with what is known before anybody looked."""
    return Report(
        environment=environment.name,
        repository=environment.repository,
        directory=environment.directory,
        checked_at=now,
        duration=0.0,
        workspace=environment.workspace or "",
        owners=environment.owners,
        labels=environment.labels,
        stale_after=environment.stale_after.total_seconds(),
    )


def failed(known: Known, failure: Failure) -> Report:
    """Report that nobody could look, and keep what was known: it is not resolved by that."""
    blank, previous = known.blank, known.previous
    if previous is None:
        return replace(blank, failure=failure)
    return replace(
        blank,
        failure=failure,
        commit=blank.commit or previous.commit,
        owners=blank.owners or previous.owners,
        directories=previous.directories,
        tool=previous.tool,
        resources=previous.resources,
        decisions=carried(previous.decisions, known.snoozes, blank.checked_at),
        proven_at=previous.proven_at,
        in_sync_at=previous.in_sync_at,
    )


def _failure(error: CouldNotLook, masker: Masker) -> Failure:
    return Failure(
        cause=error.cause,
        message=masker.scrub(error.message),
        retryable=error.retryable,
        command=tuple(masker.scrub(word) for word in error.command),
        exit_code=error.exit_code,
        detail=masker.scrub(error.detail),
    )


def _internal(error: Exception) -> CouldNotLook:
    return CouldNotLook(
        "driftwatch itself broke; this is a bug worth reporting.",
        cause=Cause.INTERNAL,
        detail=f"{type(error).__name__}: {error}",
    )


def _origins(environment: Environment, code: Configuration) -> tuple[str, ...]:
    """List the directories that an environment depends on: a push elsewhere does not touch it."""
    files = (name for name in environment.backend_config if "=" not in name)
    places = (join(environment.directory, name) for name in (*environment.var_files, *files))
    beside = (dirname(normpath(place)) or "." for place in places)
    return tuple(sorted({environment.directory, *code.directories, *beside}))


def _link(checkout: Checkout) -> Link | None:
    """Link to lines of the commit, where the repository has a page for them."""
    if checkout.web_url is None:
        return None
    page = checkout.web_url
    return lambda file, line: f"{page}/{quote(file)}#L{line}"
