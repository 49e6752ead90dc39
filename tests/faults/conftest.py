"""Fixtures of the fault rig: one cluster for the whole run, one trial for each fault."""

from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager
from functools import partial
from pathlib import Path

import pytest

from tests.faults.cluster import Cluster, running_cluster
from tests.faults.network import why_no_network
from tests.faults.trial import Trial, trial
from tests.servers.fixtures import give_up
from tests.servers.programs import NotAvailableError, kafka_jars

NewTrial = Callable[..., AbstractAsyncContextManager[Trial]]


@pytest.fixture(scope="session")
def cluster(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Cluster]:
    """Three brokers for the whole run; each trial heals what it broke."""
    try:
        jars = kafka_jars()
    except NotAvailableError as error:
        give_up(request.config, error)
    with running_cluster(jars, tmp_path_factory.mktemp("cluster")) as running:
        yield running


@pytest.fixture
def new_trial(cluster: Cluster, tmp_path: Path) -> NewTrial:
    """Return ``trial`` on the cluster, in this test's folder."""
    return partial(trial, cluster, tmp_path)


@pytest.fixture
def brokers_can_be_cut_off(cluster: Cluster) -> None:
    """Skip where brokers cannot be cut off from each other."""
    if cluster.network is None:
        pytest.skip(f"brokers cannot be cut off from each other: {why_no_network()}")
