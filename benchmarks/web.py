"""
The web calculator against the limits of the design, in Chromium and under load: times, drags, bytes, memory.

Starts ``breakeven serve`` on loopback. Browser times are medians; a drag sends 60 changes in one second and counts the
frames that showed a new answer; the load is 50 readers who each change a number twice a second. Ends with 1 if a
limit is passed: on a busy machine look at the ratios first.

    python benchmarks/web.py [--seconds N] [--loads N]
"""

import argparse
import asyncio
import os
import platform
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from playwright.sync_api import Browser, CDPSession, Page, sync_playwright

sys.path.insert(0, str(Path(__file__).parents[1] / "tests" / "browser"))
from chromium import find_chromium

QUERY = "model=gpt-4.1&calls_per_month=50000&input_tokens=1800&output_tokens=400&training_usd=500"
USERS, CHANGES_PER_SECOND = 50, 2
DRAG_EVENTS, DRAG_LATENCY_MS = 60, 80
WARM_UP_SECONDS = 3
FOR_CHARTS = re.compile(r"/assets/(vega\.js|charts\.js|charts-(light|dark)\.json)$|/finetune/map\?")
"""Requests that a page without charts would not make."""

LIMITS: dict[str, tuple[str, float, str]] = {
    "verdict visible [ms]": ("<=", 300, "after navigation"),
    "charts drawn [ms]": ("<=", 1000, "after navigation"),
    "input to new verdict and charts [ms]": ("<=", 100, "median"),
    "answers drawn in a drag": (">=", 40, f"of {DRAG_EVENTS} changes in 1 s, {DRAG_LATENCY_MS} ms latency"),
    "first load with charts [kB]": ("<=", 350, "compressed"),
    "first load without charts [kB]": ("<=", 30, "compressed"),
    "p99 of an answer under load [ms]": ("<=", 100, f"{USERS} readers, one worker"),
    "errors under load": ("<=", 0, ""),
    "growth of memory under load [%]": ("<=", 5, "second half against the first"),
}
"""Figure -> its limit, from the design."""

WATCH = """() => {
    window.seen = { verdict: 0, charts: 0 };
    const look = () => {
        const now = performance.now();
        if (!seen.verdict && document.querySelector("#verdict h1")?.getBoundingClientRect().height) seen.verdict = now;
        const drawn = (name) => document.querySelector(`#chart-${name} svg :is(.mark-line, .mark-rect) path`);
        if (!seen.charts && ["costs", "map", "parts"].every(drawn)) seen.charts = now;
        if (!seen.charts) requestAnimationFrame(look);
    };
    requestAnimationFrame(look);
}"""
"""Notes the first frame in which the verdict, and then every chart, is on the page. [ms after navigation]"""

SEEN = """() => new Promise((done) => {
    const look = () => (seen.charts ? done(seen) : setTimeout(look, 10));
    look();
})"""

CHANGE = """(calls) => new Promise((done) => {
    const parts = () => [document.querySelector(".rivals .fig").dataset.value,
        document.querySelector('[data-chart="parts"] svg').outerHTML];
    const before = parts();
    const field = document.getElementById("calls_per_month");
    field.value = calls;
    const start = performance.now();
    field.dispatchEvent(new Event("input", { bubbles: true }));
    const look = () => {
        const now = parts();
        const all = now.every((each, place) => each !== before[place]);
        requestAnimationFrame(all ? () => done(performance.now() - start) : look);
    };
    requestAnimationFrame(look);
})"""
"""Changes a number; how long until the figures and a chart show it, the frame that paints them included. [ms]"""

DRAG = """(events) => new Promise((done) => {
    const slider = document.getElementById("calls_per_month-slider");
    const html = document.documentElement;
    let sent = 0, drawn = 0, before = html.dataset.shown;
    const end = performance.now() + 1500;
    const send = setInterval(() => {
        slider.value = 300 + 5 * sent;
        slider.dispatchEvent(new Event("input", { bubbles: true }));
        if (++sent === events) clearInterval(send);
    }, 1000 / events);
    const look = () => {
        if (html.dataset.shown !== before) { drawn += 1; before = html.dataset.shown; }
        if (performance.now() < end) requestAnimationFrame(look); else done(drawn);
    };
    requestAnimationFrame(look);
})"""
"""Drags the slider of the calls; the number of frames that showed a new answer."""


@contextmanager
def serving() -> Iterator[tuple[str, int]]:
    """A server of its own process: its address and process id."""
    command = [sys.executable, "-m", "breakeven", "serve", "--port", "0"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        found = re.search(r"http://[\w.:]+", server.stdout.readline())
        assert found is not None
        try:
            yield found[0], server.pid
        finally:
            server.terminate()


def visits(browser: Browser, address: str, loads: int) -> tuple[list[float], list[float]]:
    """Times to the verdict and to the charts, each in a browser context without a cache. [ms]"""
    verdicts, charts = [], []
    for _ in range(loads):
        context = browser.new_context()
        page = context.new_page()
        page.add_init_script(f"({WATCH})()")
        page.goto(f"{address}/finetune?{QUERY}")
        seen = page.evaluate(SEEN)
        verdicts.append(seen["verdict"])
        charts.append(seen["charts"])
        context.close()
    return verdicts, charts


def first_load(browser: Browser, address: str) -> tuple[float, float]:
    """Bytes over the wire of a first visit, with and without what only charts need. [kB]"""
    context = browser.new_context(bypass_csp=True)
    page = context.new_page()
    session: CDPSession = context.new_cdp_session(page)
    session.send("Network.enable")
    urls: dict[str, str] = {}
    sizes: dict[str, float] = {}
    session.on("Network.requestWillBeSent", lambda event: urls.update({event["requestId"]: event["request"]["url"]}))
    session.on("Network.loadingFinished", lambda event: sizes.update({event["requestId"]: event["encodedDataLength"]}))
    page.goto(f"{address}/finetune?{QUERY}")
    page.wait_for_selector('[data-chart="map"] svg')
    page.wait_for_timeout(300)
    whole = sum(sizes.values())
    charts = sum(size for request, size in sizes.items() if FOR_CHARTS.search(urls.get(request, "")))
    context.close()
    return whole / 1000, (whole - charts) / 1000


def changes(page: Page, count: int) -> list[float]:
    """Times from a changed number to its figures and charts. [ms]"""
    return [page.evaluate(CHANGE, str(40_000 + 1_000 * number)) for number in range(count)]


def drag(page: Page) -> int:
    """Answers drawn in a drag, with latency added to each request."""
    session = page.context.new_cdp_session(page)
    session.send("Network.enable")
    unlimited = {"offline": False, "downloadThroughput": -1, "uploadThroughput": -1}
    session.send("Network.emulateNetworkConditions", unlimited | {"latency": DRAG_LATENCY_MS})
    return int(page.evaluate(DRAG, DRAG_EVENTS))


async def load(address: str, pid: int, seconds: float) -> tuple[list[float], int, list[float]]:
    """What readers wait for an answer [ms], how many were refused, and the server's memory each second [MB]."""
    waits: list[float] = []
    errors = 0
    memory: list[float] = []
    begun = time.perf_counter() + WARM_UP_SECONDS
    end = begun + seconds

    async def reader(client: httpx2.AsyncClient, number: int) -> None:
        nonlocal errors
        dice = random.Random(number)
        await asyncio.sleep(dice.random() / CHANGES_PER_SECOND)
        while (asked := time.perf_counter()) < end:
            query = QUERY.replace("50000", str(dice.randint(1_000, 5_000_000)))
            answer = await client.get(f"{address}/finetune/parts?{query}")
            if asked >= begun:
                waits.append((time.perf_counter() - asked) * 1000)
                errors += answer.status_code != 200
            await asyncio.sleep(max(0.0, 1 / CHANGES_PER_SECOND - (time.perf_counter() - asked)))

    async def watch() -> None:
        while time.perf_counter() < end:
            await asyncio.sleep(1)
            if time.perf_counter() >= begun:
                memory.append(resident_mb(pid))

    limits = httpx2.Limits(max_connections=USERS, max_keepalive_connections=USERS)
    async with httpx2.AsyncClient(limits=limits, timeout=30) as client:
        await asyncio.gather(watch(), *(reader(client, number) for number in range(USERS)))
    return waits, errors, memory


def resident_mb(pid: int) -> float:
    """Memory of a process. [MB]"""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def measure(seconds: float, loads: int) -> dict[str, tuple[float, str]]:
    """Every figure, with its spread in words."""
    with serving() as (address, pid):
        with sync_playwright() as player:
            flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--disable-component-update"]
            browser = player.chromium.launch(executable_path=find_chromium(), args=flags)
            visits(browser, address, 1)
            verdicts, charts = visits(browser, address, loads)
            whole, bare = first_load(browser, address)
            page = browser.new_context(bypass_csp=True).new_page()
            page.goto(f"{address}/finetune?{QUERY}")
            page.wait_for_selector('[data-chart="map"] svg')
            changes(page, 5)
            redraws = changes(page, 25)
            drawn = [drag(page) for _ in range(3)]
            browser.close()
        waits, errors, memory = asyncio.run(load(address, pid, seconds))
    half = len(memory) // 2
    growth = 100 * (statistics.mean(memory[half:]) / statistics.mean(memory[:half]) - 1)
    waits.sort()
    p50, p99 = (waits[int(share * len(waits))] for share in (0.5, 0.99))
    found: dict[str, tuple[float, str]] = {
        "verdict visible [ms]": (statistics.median(verdicts), spread(verdicts)),
        "charts drawn [ms]": (statistics.median(charts), spread(charts)),
        "input to new verdict and charts [ms]": (statistics.median(redraws), spread(redraws)),
        "answers drawn in a drag": (statistics.median(drawn), spread(drawn)),
        "first load with charts [kB]": (whole, ""),
        "first load without charts [kB]": (bare, ""),
        "p99 of an answer under load [ms]": (p99, f"p50 {p50:.0f}, {len(waits) / seconds:.0f} answers/s"),
        "errors under load": (errors, f"of {len(waits)}"),
        "growth of memory under load [%]": (growth, f"{memory[0]:.0f} to {memory[-1]:.0f} MB"),
    }
    return found


def spread(values: list[Any]) -> str:
    return f"{min(values):.0f} to {max(values):.0f}"


def main() -> int:
    """Measure, print, and judge."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=float, default=20, help="length of the load")
    parser.add_argument("--loads", type=int, default=9, help="visits to time")
    given = parser.parse_args()
    found = measure(given.seconds, given.loads)
    busy = os.getloadavg()[0]
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}, load {busy:.1f}")
    print(f"{'figure':<40}{'found':>9}{'limit':>9}  spread")
    passed = True
    for name, (value, words) in found.items():
        sense, limit, note = LIMITS[name]
        good = value <= limit if sense == "<=" else value >= limit
        passed &= good
        print(f"{name:<40}{value:>9.1f}{sense + f'{limit:g}':>9}  {'' if good else 'NOT MET  '}{words}  {note}")
    return 0 if passed else 1


if __name__ == "__main__":
    sys.exit(main())
