"""What so many contacts a day take, on paper: cores, memory, processes, partitions, bytes in Kafka.

``python benchmarks/on_paper.py`` multiplies what the other scripts have measured, by default for
10^9 contacts a day; nothing is run. Each measured figure is an option whose help names the script
it comes from, and whose default is what docs/performance.md and docs/scaling.md say of it. The
rules are those of docs/scaling.md, "How many partitions and processes". Printed: one line a result,
with how it was calculated.
"""

# ruff: noqa: INP001, T201 - a folder of scripts is no package, and it prints

import argparse
from math import ceil
from typing import Final

DAY_SECONDS: Final = 86_400
BUSIEST: Final = 3
"""Times the mean."""
EVENTS_A_PROCESS: Final = 10_000
"""A second at the busiest time: half of what a core can do."""
CONTACTS_A_PROCESS: Final = 2_000_000
CONTACTS_A_PARTITION: Final = 500_000
PARTITIONS_A_PROCESS: Final = 4


def lines(given: argparse.Namespace) -> list[tuple[str, str]]:
    """Return what is printed: what, and how much."""
    events_a_day = given.contacts * given.events
    mean = events_a_day / DAY_SECONDS
    busiest = BUSIEST * mean
    kept = given.contacts * given.hours_kept / 24
    by_cpu, by_memory = ceil(busiest / EVENTS_A_PROCESS), ceil(kept / CONTACTS_A_PROCESS)
    processes = max(by_cpu, by_memory, 2)
    partitions = max(PARTITIONS_A_PROCESS * processes, ceil(kept / CONTACTS_A_PARTITION))
    share = kept / partitions
    state_day = events_a_day * given.state_bytes
    return [
        ("events/s", f"{mean:,.0f} in the mean, {busiest:,.0f} at the busiest time"),
        ("cores", f"{mean * given.event_us / 1e6:.1f}; {busiest * given.event_us / 1e6:.1f}"),
        ("contacts in memory", f"{kept:,.0f}, {kept * given.contact_bytes / 1e9:.0f} GB"),
        ("processes", f"{processes} (by CPU {by_cpu}, by memory {by_memory})"),
        ("partitions", f"{partitions}, of {share:,.0f} contacts each"),
        (
            "each process",
            (
                f"{busiest / processes:,.0f} events/s, {kept / processes / 1e6:.1f} M contacts,"
                f" {kept / processes * given.contact_bytes / 1e9:.1f} GB,"
                f" {busiest / processes * given.event_us / 1e4:.0f} % of a core"
            ),
        ),
        (
            "a partition moves",
            f"restored in {share * given.restore_us / 1e6:.1f} s of CPU",
        ),
        (
            "Kafka, events",
            (
                f"{busiest * given.event_bytes / 1e6:.0f} MB/s,"
                f" {events_a_day * given.event_bytes / 1e12:.2f} TB a day, for each replica"
            ),
        ),
        (
            "Kafka, state log",
            (
                f"{busiest * given.state_bytes / 1e6:.0f} MB/s, {state_day / 1e12:.2f} TB a day,"
                f" {state_day * given.retention_days / 1e12:.1f} TB kept, for each replica"
            ),
        ),
        ("Prometheus", f"{processes * given.samples:,} samples each scrape"),
    ]


def main() -> None:
    """Calculate and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--contacts", type=int, default=10**9, help="a day")
    parser.add_argument("--events", type=int, default=4, help="of a contact")
    parser.add_argument("--event-bytes", type=int, default=222, help="peers/bench.py")
    parser.add_argument("--event-us", type=float, default=21.6, help="CPU; peers/bench.py")
    parser.add_argument("--contact-bytes", type=int, default=466, help="memory.py, a settled one")
    parser.add_argument(
        "--hours-kept", type=float, default=2.0, help="mean time to the answer, and settle_for"
    )
    parser.add_argument("--restore-us", type=float, default=5.2, help="of a contact; state.py")
    parser.add_argument("--state-bytes", type=int, default=121, help="an event; state.py")
    parser.add_argument("--retention-days", type=float, default=4, help="kafka.state_retention")
    parser.add_argument("--samples", type=int, default=31_751, help="a process; scrape.py")
    for what, how_much in lines(parser.parse_args()):
        print(f"{what:20} {how_much}")


if __name__ == "__main__":
    main()
