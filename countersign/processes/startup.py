"""Bringing a desk up: what starts, in which order, so that the dashboard is on screen first."""

import os
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from config import settings as configuration
from config.settings import Settings
from countersign.processes import (
    addresses,
    dagster_files,
    environment,
    homes,
    plan,
    reaper,
    replayed,
)
from countersign.processes.children import Spec
from countersign.processes.homes import Home
from countersign.processes.keeper import Keeper
from countersign.processes.postgres import Cluster, create_databases
from countersign.processes.steps import Reporter, Steps
from countersign.processes.supervisor import Supervisor
from countersign.processes.task_runner import StepFailedError, TaskRunner

DATABASE, TABLES, DASHBOARD = "Database", "Tables", "Dashboard"
LAKE, VENUE, PIPELINE = "Market data", "Paper venue", "Pipeline"
REGISTRY, WORKERS, FIRST = "Model registry", "Workers", "First materialisation"

_PATIENCE = 90.0  # seconds for a service to answer on a slow machine


@dataclass
class Startup:
    """One start-up of the desk in `home`."""

    home: Home
    reporter: Reporter
    environ: Mapping[str, str]

    def __post_init__(self) -> None:
        self.told = configuration.load(self.environ, running=False)
        addresses.require_server(self.told)
        replayed.require_session(self.told)
        self.supervisor = Supervisor(self.home, boot_id=uuid.uuid4().hex, build=self.told.build)
        self.settings = self._settle()
        self.environment = environment.of_children(self.settings, self.home, self.environ)
        self.tasks = TaskRunner(self.environment, self._task_log)
        self.steps = Steps(self.supervisor.boot_id, self._names(), self.reporter)

    def bring_up(self) -> None:
        """Start everything; return when the desk can be used.

        Raises
        ------
        StepFailedError
            If a step fails that the rest stands on.
        """
        self._start_database()
        with self.steps.step(TABLES) as step:
            self.tasks.run("tables", step.heard)
        self.steps.open_ledger(self.settings.database.url("desk"))
        dagster_files.write(self.settings, self.home)
        # What does not wait for another starts beside it: on two cores that is half the time.
        with ThreadPoolExecutor(thread_name_prefix="step") as beside:
            try:
                self._start_services(beside)
            except BaseException:
                self.tasks.stop()  # leaving this block waits for them
                raise

    def ask_to_stop(self) -> None:
        """Give up what is under way and make the supervisor stop."""
        self.supervisor.ask_to_stop()
        self.tasks.stop()

    @property
    def failed_step(self) -> str:
        """The name of the step that failed, empty when none did."""
        return self.steps.failed

    def reap(self) -> None:
        """Fail Dagster runs whose worker is gone."""
        try:
            url = self.settings.database.url("dagster")
            gone = reaper.reap(url, self.environment, self._task_log)
        except Exception as e:  # noqa: BLE001 - the database may be restarting: look again later
            with self._task_log.open("a") as log:
                log.write(f"Could not look for abandoned runs: {e}\n")
            return
        for run_id in gone:
            self.reporter.say(f"The worker of Dagster run {run_id[:8]} was gone; the run ended.")

    def _settle(self) -> Settings:
        """Choose ports, write runtime.json, and return the settings that follow."""
        ports, moved = addresses.choose(
            addresses.wanted(self.told), _by_role(self.supervisor.held_ports())
        )
        for port in moved:
            if port.name in addresses.needed(self.told):
                self.reporter.say(port.sentence)
        secrets = self.home.secrets()
        self.cluster = (
            Cluster(self.home.postgres, ports.postgres, secrets["postgres"])
            if self.told.database.kind == "embedded"
            else None
        )
        homes.write_private(
            self.home.runtime, addresses.runtime(self.told, ports, secrets, self.cluster)
        )
        return configuration.load(self.environ)

    def _names(self) -> list[str]:
        names = [DATABASE, TABLES, DASHBOARD, LAKE, VENUE, PIPELINE, REGISTRY, WORKERS, FIRST]
        if self.settings.broker.kind != "venue":
            names.remove(VENUE)
        return names

    @property
    def _task_log(self) -> Path:
        return self.supervisor.log("startup")

    def _start_database(self) -> None:
        with self.steps.step(DATABASE) as step:
            if self.cluster:
                self.cluster.initialise()
                self._healthy(self._keep(plan.database(self.cluster)))
                self.cluster.create_desk()
                step.detail = f"PostgreSQL on port {self.cluster.port}"
            else:
                step.detail = "your server"
            create_databases(self.settings.database)

    def _start_services(self, beside: ThreadPoolExecutor) -> None:
        dashboard = beside.submit(self._begin, DASHBOARD, plan.dashboard(self.settings))
        storage = beside.submit(self.tasks.run, "dagster", lambda _share, _detail: None)
        lake = beside.submit(self._carry_out, LAKE, "lake")
        code, *asking = plan.pipeline(self.settings, self.home)
        *others, watch = plan.workers(self.settings)
        storage.result()
        pipeline = [self._keep(code)]
        lake.result()
        if self.settings.broker.kind == "venue":
            self._begin(VENUE, plan.venue(self.settings, self.home))
        workers = [self._keep(watch)]  # the first materialisation asks what time it is
        dashboard.result()
        with self.steps.step(PIPELINE):
            self._healthy(pipeline[0])  # the others ask it what there is, and sensors the lake
            pipeline += [self._keep(spec) for spec in asking]
            for keeper in pipeline:
                self._healthy(keeper)
        self.reap()
        first = beside.submit(self._carry_out, FIRST, "first_materialisation")
        self._begin(REGISTRY, plan.registry(self.settings))  # asked when a model is trained
        with self.steps.step(WORKERS):
            workers += [self._keep(spec) for spec in others]
            for keeper in workers:
                self._healthy(keeper)
        first.result()

    def _carry_out(self, step: str, task: str) -> None:
        with self.steps.step(step) as begun:
            self.tasks.run(task, begun.heard)

    def _begin(self, step: str, spec: Spec) -> None:
        with self.steps.step(step) as begun:
            self._healthy(self._keep(spec))
            begun.detail = spec.address

    def _keep(self, spec: Spec) -> Keeper:
        return self.supervisor.keep(spec, self.environment)

    def _healthy(self, keeper: Keeper) -> None:
        waited = 0.0
        while not keeper.wait_healthy(0.5):
            waited += 0.5
            if self.supervisor.is_stopping:
                raise StepFailedError("Stopped before everything had started.")
            if keeper.state == "failed" or waited > _PATIENCE:
                raise StepFailedError(
                    f"{keeper.spec.name} does not start ({keeper.detail or keeper.state}): "
                    f"see {self.supervisor.log(keeper.spec.name)}."
                )


def begin(home: Home, reporter: Reporter, environ: Mapping[str, str] = os.environ) -> Startup:
    """Return a start-up whose ports and settings are settled; nothing runs yet."""
    return Startup(home, reporter, environ)


_ROLES = {"webserver": "dagster", "code-server": "code"}


def _by_role(ports: Mapping[str, int]) -> dict[str, int]:
    return {_ROLES.get(name, name): port for name, port in ports.items()}
