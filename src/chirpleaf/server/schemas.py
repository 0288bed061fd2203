"""What the API takes and gives, as pydantic models: they validate requests and make the OpenAPI document."""

from dataclasses import fields
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from chirpleaf.server.jobs import Job, JobState
from chirpleaf.server.tasks import Choices
from chirpleaf.system.defaults import SAMPLES

Detector = Literal["H1", "L1", "V1", "K1"]
Prior = Literal["isotropic", "uniform", "model", "standard", "comoving"]

EventName = Annotated[
    str,
    Field(
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.@-]{0,63}$",
        description="An embedded event, or one of the open catalogues (the server then downloads its strain).",
        examples=["GW150914"],
    ),
]
ModelName = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,63}$", description="A shipped model; chosen by the data by default."),
]
Approximant = Annotated[
    str,
    Field(pattern=r"^[A-Za-z0-9_]{1,48}$", description="Waveform model of the likelihood; the network's by default."),
]


def _refuse_surrogates(text: str) -> str:
    """Text that UTF-8 can hold."""
    text.encode()
    return text


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class AnalysisQuery(_Strict):
    """Choices of an analysis that do not depend on where the strain comes from."""

    model: ModelName | None = None
    samples: int = Field(
        SAMPLES, ge=1, le=10_000_000, description="Number of samples; the server has a bound of its own."
    )
    seed: int = Field(0, ge=0, le=2**63 - 1, description="Seed of the samples.")
    certify: bool | None = Field(
        None, description="Correct the samples by the exact likelihood; by default where the model allows it."
    )
    effective_samples: int | None = Field(
        None, ge=1, le=10_000_000, description="Effective sample size that is wanted."
    )
    approximant: Approximant | None = None
    prior: Prior | None = Field(None, description="Prior of the result; that of the catalogues by default.")

    def choose(self) -> Choices:
        """The choices for a task."""
        return Choices(**{one.name: getattr(self, one.name) for one in fields(Choices)})


class EventQuery(AnalysisQuery):
    """An analysis of a named event: the JSON body of `POST /v1/infer`."""

    event: EventName
    detectors: Annotated[list[Detector], Field(min_length=1, max_length=4)] | None = Field(
        None,
        description="Detectors that are used, each once; all with strain by default.",
        json_schema_extra={"uniqueItems": True},
    )

    @model_validator(mode="after")
    def _check_detectors(self) -> "EventQuery":
        if self.detectors is not None and len(set(self.detectors)) < len(self.detectors):
            raise ValueError("expected each detector once: leave one out")
        return self


def _drop_empty(value: Any) -> Any:
    """None for a field that a form sends although nobody has filled it in."""
    return None if value == "" else value


Time = Annotated[str, Field(min_length=1, max_length=64), AfterValidator(_refuse_surrogates)]


class UploadQuery(AnalysisQuery):
    """The fields of a form with strain files, without the files."""

    trigger_time: Time = Field(
        description="Time of the merger within 0.1 s: GPS seconds, or UTC as 2015-09-14T09:50:45.4.",
        examples=["1126259462.4"],
    )
    model: Annotated[ModelName | None, BeforeValidator(_drop_empty)] = None
    certify: Annotated[bool | None, BeforeValidator(_drop_empty)] = None
    effective_samples: Annotated[int | None, Field(ge=1, le=10_000_000), BeforeValidator(_drop_empty)] = None
    approximant: Annotated[Approximant | None, BeforeValidator(_drop_empty)] = None
    prior: Annotated[Prior | None, BeforeValidator(_drop_empty)] = None


class SummaryRow(BaseModel):
    """A parameter: its median and the 5 % and 95 % quantiles; leaf estimates have components of the uncertainty."""

    model_config = ConfigDict(extra="allow")
    median: float
    lower: float
    upper: float
    unit: str


class SummaryDocument(BaseModel):
    """Verdict and main numbers of a result. The whole of it is in `summary.json`."""

    event: str
    detectors: list[str]
    model: str
    grade: Literal["PASS", "WARN", "REFUSE", "UNKNOWN"]
    verdict: str
    sentence: str
    binary: str
    reasons: list[str]
    parameters: dict[str, SummaryRow]


class ErrorDocument(BaseModel):
    """Why a request was refused or a job failed, in one line."""

    code: str
    message: str


class JobDocument(BaseModel):
    """A job as clients see it."""

    id: str
    state: JobState
    stage: str = Field(description="What the job is doing, in words.")
    percent: int = Field(ge=0, le=100, description="Share of the time that has usually passed at this stage.")
    before: int = Field(ge=0, description="Number of jobs that wait before this one.")
    created: float = Field(description="Seconds since 1970.")
    started: float | None
    ended: float | None
    summary: SummaryDocument | None = Field(description="Verdict and main numbers of a job that is done.")
    error: ErrorDocument | None = Field(description="Why a job has failed.")
    links: dict[str, str] = Field(description="Addresses of the job, and of its files once it is done.")

    @classmethod
    def describe(cls, job: Job, before: int) -> "JobDocument":
        """The document of a job.

        Args:
            job: the job.
            before: number of jobs that wait before it.
        """
        own = f"/v1/jobs/{job.name}"
        files = {name: f"{own}/{name}" for name in ("report", "summary.json", "posterior.hdf5")}
        done = job.state is JobState.DONE
        return cls(
            id=job.name,
            state=job.state,
            stage=job.stage,
            percent=job.percent,
            before=before,
            created=job.created,
            started=job.started,
            ended=job.ended,
            summary=SummaryDocument(**job.summary) if done and job.summary is not None else None,
            error=ErrorDocument(code=job.code, message=job.message) if job.code else None,
            links={"self": own, **(files if done else {})},
        )


class ModelDocument(BaseModel):
    """A shipped model."""

    name: str
    detectors: list[str]
    takes_subsets: bool
    duration: float = Field(description="Length of its segment, seconds.")
    chirp_mass: tuple[float, float] = Field(description="Range, solar masses in the frame of the detectors.")
    approximant: str
    quantities: list[str] = Field(description="The quantities that it estimates; empty for a joint posterior.")


class EventDocument(BaseModel):
    """An embedded event."""

    name: str
    full_name: str
    trigger_time: float = Field(description="GPS seconds.")
    detectors: list[str]
    source: str


class HealthDocument(BaseModel):
    """The state of the server."""

    status: Literal["ok", "starting"]
    workers: int
    ready: int
    waiting: int
    running: int
