"""Assessment runs: questions as processes, jobs that answer them (in the shape of OGC API - Processes, Part 1), kept runs."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response

from api.caller import Caller
from api.policy import ASKERS, READERS
from api.request import CallerNow, ServedNow, SettingsNow, StoreNow, known_parameters
from api.served import Served
from api.settings import Settings
from api.status_codes import problem
from api.strict_json import json_object
from api.use import parameters, run_comparison, runs
from api.use.jobs import Job, Jobs
from api.use.rights import require_asker, require_own
from api.use.scenarios import QUESTIONS, Question, scenario_of
from geo_risk.errors import NotFound, ParameterError, shown
from layers._store import Snapshot, Store

router = APIRouter(tags=["runs"])
_strict = [Depends(known_parameters)]

_VERSION: Final = "1.0.0"
_RESULT: Final = {
    "title": "The run: its tables, inputs, rules and digest",
    "schema": {"type": "object", "contentMediaType": "application/json"},
}


def _jobs(request: Request) -> Jobs:
    found: Jobs = request.app.state.jobs
    return found


async def _body(request: Request, settings: SettingsNow) -> dict[str, Any]:
    return await json_object(request, settings.body_max_bytes, settings.body_max_depth)


JobsNow = Annotated[Jobs, Depends(_jobs)]
Body = Annotated[dict[str, Any], Depends(_body)]


@router.get("/processes", dependencies=[*READERS, *_strict])
def processes() -> dict[str, Any]:
    """The questions that can be asked."""
    return {"processes": [_summary(question) for question in QUESTIONS.values()], "links": [_link("self", "/processes")]}


@router.get("/processes/{question}", dependencies=[*READERS, *_strict])
def process(question: str) -> dict[str, Any]:
    """One question, with the schema of each of its inputs."""
    found = _question(question)
    schema = found.parameters.model_json_schema()
    shared = {"$defs": schema["$defs"]} if "$defs" in schema else {}
    inputs = {
        name: {"title": name, "minOccurs": int(name in schema.get("required", ())), "schema": {**inner, **shared}}
        for name, inner in {"title": {"type": "string", "maxLength": 200}, **schema["properties"]}.items()
    }
    return {**_summary(found), "inputs": inputs, "outputs": {"run": _RESULT}}


@router.post("/processes/{question}/execution", dependencies=[*ASKERS, *_strict], status_code=201)
def execute(
    question: str, body: Body, jobs: JobsNow, settings: SettingsNow, caller: CallerNow, response: Response
) -> dict[str, Any]:
    """Ask a question: the body's ``inputs`` are the scenario. Answers with the job, whose address is in ``Location``."""
    strange = sorted(set(body) - {"inputs", "outputs", "response", "subscriber"})
    inputs = body.get("inputs", {})
    if strange or not isinstance(inputs, dict) or body.get("subscriber"):
        raise ParameterError(
            "this is no execute request that can be kept", where="body", expected="inputs, an object; no subscriber",
            got=", ".join(map(shown, strange)) or shown(inputs), then="see /processes",
        )
    return _submit({**inputs, "question": _question(question).id}, jobs, settings, caller, response)


@router.post("/assessments", dependencies=[*ASKERS, *_strict], status_code=201)
def ask(body: Body, jobs: JobsNow, settings: SettingsNow, caller: CallerNow, response: Response) -> dict[str, Any]:
    """Ask a question: the body is the scenario, as its TOML file would say it. Answers with the job."""
    return _submit(body, jobs, settings, caller, response)


@router.get("/jobs", dependencies=[*READERS, *_strict])
def jobs_list(jobs: JobsNow, caller: CallerNow) -> dict[str, Any]:
    """The jobs of this service, the newest first."""
    return {"jobs": [_status(job, caller) for job in jobs.jobs()], "links": [_link("self", "/jobs")]}


@router.get("/jobs/{job_id}", dependencies=[*READERS, *_strict])
def job_status(job_id: str, jobs: JobsNow, caller: CallerNow) -> dict[str, Any]:
    """How a job stands."""
    return _status(jobs.job(job_id), caller)


@router.delete("/jobs/{job_id}", dependencies=[*ASKERS, *_strict])
def job_dismiss(job_id: str, jobs: JobsNow, caller: CallerNow) -> dict[str, Any]:
    """End a job at once, running or waiting: who asked for it, or an operator."""
    require_own(caller, jobs.job(job_id).asked_by)
    return _status(jobs.dismiss(job_id), caller)


@router.get("/jobs/{job_id}/results", dependencies=[*READERS, *_strict])
def job_results(job_id: str, jobs: JobsNow, served: ServedNow, caller: CallerNow) -> dict[str, Any]:
    """The run that a job made, or what else it answered whoever asked, or the problem it met."""
    job = jobs.job(job_id)
    if job.error is not None and not _may_hear(job, caller):
        raise NotFound("the job has no result", where="jobs", expected="a successful job", got=job.status)
    if job.answer is not None:
        require_asker(caller, job.asked_by)
        return {"answer": job.answer}
    return {"run": runs.as_json(_readable(jobs.run(job_id), served.snapshot))}


@router.get("/assessments", dependencies=[*READERS, *_strict])
def assessments(store: StoreNow, served: ServedNow, caller: CallerNow, limit: str = "100") -> dict[str, Any]:
    """The runs that are kept and there for the caller, the newest first; who made them is for the bureau's own people."""
    found = store.runs(parameters.whole(limit, "limit", 1, 10_000))
    left_out = {"content"} if caller.clears("internal") else {"content", "actor"}
    if len(served.snapshot.layers) < len(served.snapshot.whole.layers):
        found = tuple(each for each in found if _is_readable(runs.load(store, each.id), served.snapshot))
    return {"assessments": [{name: text for name, text in asdict(each).items() if name not in left_out} for each in found]}


@router.get("/assessments/compare", dependencies=[*READERS, *_strict])
def compare(a: str, b: str, store: StoreNow, served: ServedNow) -> dict[str, Any]:
    """Run ``a`` against run ``b``: what rose, fell, came or went, by how much, and what differs behind them."""
    return asdict(run_comparison.compare(_kept(store, served, a), _kept(store, served, b)))


@router.get("/assessments/{run_id}", dependencies=[*READERS, *_strict])
def assessment(run_id: str, store: StoreNow, served: ServedNow) -> dict[str, Any]:
    """One run, whole."""
    return runs.as_json(_kept(store, served, run_id))


@router.get("/assessments/{run_id}/explain", dependencies=[*READERS, *_strict])
def explain(run_id: str, area: str, store: StoreNow, served: ServedNow) -> dict[str, Any]:
    """All that stands behind one area's figures."""
    return run_comparison.explain(_kept(store, served, run_id), area)


def _submit(given: dict[str, Any], jobs: Jobs, settings: Settings, caller: Caller, response: Response) -> dict[str, Any]:
    scenario = scenario_of(given)
    runs.files_of(scenario, settings.data_folder, confined=True)  # what cannot be read is refused here, before it waits
    job = jobs.submit(scenario, caller.actor, caller.id, caller.reads)
    response.headers["Location"] = f"/jobs/{job.id}"
    return _status(job, caller)


def _kept(store: Store, served: Served, run_id: str) -> runs.Run:
    return _readable(runs.load(store, run_id), served.snapshot)


def _readable(run: runs.Run, snapshot: Snapshot) -> runs.Run:
    """The run, if every layer that it was made from is there for whoever asks; else there is no such run."""
    if not _is_readable(run, snapshot):
        raise NotFound("no such run", expected="the id of a stored run", got=shown(run.id), then="list the runs first")
    return run


def _is_readable(run: runs.Run, snapshot: Snapshot) -> bool:
    return all(each.kind != "layer" or each.name in snapshot.layers for each in run.inputs)


def _question(question_id: str) -> Question:
    if question_id not in QUESTIONS:
        raise NotFound("no such process", expected=" or ".join(QUESTIONS), got=shown(question_id), then="see /processes")
    return QUESTIONS[question_id]


def _summary(question: Question) -> dict[str, Any]:
    return {
        "id": question.id,
        "version": _VERSION,
        "title": question.title["en"],
        "title_zh": question.title["zh"],
        "jobControlOptions": ["async-execute", "dismiss"],
        "outputTransmission": ["value"],
        "links": [_link("self", f"/processes/{question.id}"), _link(_rel("execute"), f"/processes/{question.id}/execution")],
    }


def _status(job: Job, caller: Caller) -> dict[str, Any]:
    """A job in the words of the standard's statusInfo; what a failed one met is under ``problem``."""
    hears = job.error is None or _may_hear(job, caller)
    facts = {
        "processID": job.question, "type": "process", "jobID": job.id, "status": job.status,
        "message": job.message if hears else "failed",
        "created": job.created, "started": job.started, "finished": job.finished, "progress": job.progress,
        "run": job.run, "problem": problem(job.error) if job.error and hears else None,
    }
    links = [_link("self", f"/jobs/{job.id}")]
    links += [_link(_rel("results"), f"/jobs/{job.id}/results")] if job.status == "successful" else []
    return {name: value for name, value in facts.items() if value is not None} | {"links": links}


def _may_hear(job: Job, caller: Caller) -> bool:
    """Whether a caller is told what a job met, which may name layers: one from whom some are hidden hears of his own jobs only."""
    return caller.reads is None or caller.id == job.asked_by


def _rel(name: str) -> str:
    return f"http://www.opengis.net/def/rel/ogc/1.0/{name}"


def _link(rel: str, href: str) -> Mapping[str, str]:
    return {"rel": rel, "href": href, "type": "application/json"}
