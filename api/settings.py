"""Settings, from the environment (``GEO_RISK_...``) or given."""

from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


def _listed(given: object) -> object:
    """Several values in one variable, apart by commas."""
    return tuple(part.strip() for part in given.split(",") if part.strip()) if isinstance(given, str) else given


Several = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_listed)]


class LaneSetting(BaseModel):
    """What a deployment may change in one class of admission; what it does not name stays (docs/guard.md)."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    at_once: int | None = Field(default=None, ge=1, le=10_000)
    waiting: int | None = Field(default=None, ge=0, le=100_000)
    wait_s: float | None = Field(default=None, gt=0, le=60)
    share: float | None = Field(default=None, gt=0, le=1)


class Settings(BaseSettings):
    """What a deployment may set; every limit that an answer is bounded by is here."""

    model_config = SettingsConfigDict(env_prefix="GEO_RISK_", frozen=True, extra="forbid")

    # the store, and what lies beside it
    store: Path = Field(default=Path("var/geo-risk.sqlite"), description="the embedded store's file; other files lie beside it")
    database_url: SecretStr | None = Field(
        default=None, description="PostgreSQL with PostGIS instead of the file: postgresql://user:password@host/database"
    )
    snapshot_poll_s: float = Field(default=0.5, gt=0, le=60, description="how often the store is asked for new revisions")
    forget_at: str | None = Field(
        default=None, pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$",
        description="the time of day from which what the rules keep no longer is removed, once a day; never without",
    )
    snapshot_keep_s: float = Field(default=300, gt=0, description="seconds between two snapshots kept on the disk, at least")
    observations: Path | None = Field(
        default=None, description="the file of gauge readings; rasters/observations.csv beside the store without"
    )
    rasters: Path | None = Field(
        default=None, description="the folder whose rasters of flood depth closures may name; rasters/ beside the store without"
    )
    data_folder: Path | None = Field(default=None, description="the folder whose files a scenario sent over HTTP may name")

    # who reaches the service, and how
    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(default=8000, ge=0, le=65535)
    hosts: Several = Field(default=(), description="names it may be called by, beside loopback's and the address called")
    tls_cert: Path | None = Field(default=None, description="the file of the certificate and those above it (PEM)")
    tls_key: Path | None = Field(default=None, description="the file of the certificate's key (PEM)")
    trusted_proxy: Several = Field(default=(), description="addresses of proxies that are believed who asks, and over what")
    insecure_network: bool = Field(default=False, description="go on a network without TLS and without a named proxy")
    anonymous_reads: bool = Field(default=True, description="whether public columns may be read without signing in")
    token_provider: Path | None = Field(
        default=None, description="the file (docs/roles.md) of an outside provider whose tokens are believed"
    )

    # what a request may be, and how long it may take (docs/guard.md)
    connections_max: int = Field(default=3000, ge=1, description="connections open at the same time")
    path_max_bytes: int = Field(default=2000, ge=100, description="bytes of a path at most")
    query_max_bytes: int = Field(default=16_000, ge=100, description="bytes of a query at most")
    streams_max: int = Field(default=400, ge=1, le=10_000, description="live screens that may be open at the same time")
    headers_max: int = Field(default=100, ge=10, description="headers of a request at most")
    headers_max_bytes: int = Field(default=32_000, ge=1000, description="bytes of all headers at most")
    body_max_bytes: int = Field(default=2_000_000, ge=1000, description="bytes of a JSON body at most")
    body_max_depth: int = Field(default=32, ge=4, le=200, description="how deep a JSON body may be nested")
    header_s: float = Field(default=10, gt=0, le=120, description="seconds until a request's headers are there")
    body_s: float = Field(default=25, gt=0, le=600, description="seconds until a request's body is there")
    body_min_bytes_s: int = Field(default=1000, ge=1, description="bytes of a body that must come a second, after 5 seconds")
    request_s: float = Field(default=30, gt=0, le=3600, description="seconds until an answer begins")
    stalled_s: float = Field(default=30, gt=0, le=600, description="seconds in which a reader must take some of the answer")
    keep_alive_s: int = Field(default=15, ge=1, le=600, description="seconds that an idle connection is kept")
    end_s: float = Field(default=10, ge=1, le=120, description="seconds in which the service ends when it is told to")
    admission: dict[str, LaneSetting] = Field(default={}, description="changes to the classes of admission, as JSON")

    # what the service says of itself
    log: Literal["json", "console"] = Field(default="json", description="how log lines are written to stderr")
    log_requests: bool = Field(default=True, description="whether each request is a line of the log")
    log_addresses: bool = Field(default=False, description="whether the access log names the address that asked")
    ready_disk_mb: int = Field(default=200, ge=0, description="free disk below which the service says it is not ready")
    ready_age_s: float = Field(default=120, gt=0, description="age of the snapshot above which it is not ready")

    # what an answer may hold
    page_default: int = Field(default=100, ge=1, description="features a page when a request states none")
    page_max: int = Field(default=10_000, ge=1, description="features a page at most")
    radius_default_m: float = Field(default=10_000, gt=0)
    radius_max_m: float = Field(default=500_000, gt=0)
    nearest_max: int = Field(default=100, ge=1, le=1000, description="items of /nearby at most, in all")
    marks_max: int = Field(default=20_000, ge=1, description="points drawn one by one; above it they are counted in cells")
    access_max_min: float = Field(default=600, gt=0, le=10_000, description="minutes of travel that are searched at most")

    # writing
    batch_features_max: int = Field(default=1_000, ge=1, le=10_000, description="features written by one request at most")
    write_deadline_s: float = Field(default=2, gt=0, le=60, description="how long a write waits for the store at most")
    clock_skew_s: float = Field(default=60, ge=0, description="how far off a device's clock may be before it is flagged")

    # the pages
    refresh_s: int = Field(default=30, ge=1, le=3600, description="how often an open command map asks for what is new")
    bureau: str = Field(default="", max_length=80, description="the bureau's name, beside the title of the command map")

    # work beside the answers
    compile_ahead: bool = Field(default=True, description="compile what nobody has asked for yet, beside the service")
    jobs_at_once: int = Field(default=1, ge=1, le=64, description="jobs that run at the same time, each in a process of its own")
    jobs_waiting: int = Field(default=20, ge=1, description="jobs that may wait; above it a new one is told to come again")
    jobs_kept: int = Field(default=200, ge=1, description="finished jobs that are remembered; their runs are kept in the store")
    job_seconds: float = Field(default=600, gt=0, description="how long a job may run")
    job_memory_mb: int = Field(default=6000, ge=500, description="how much memory a job's process may take")

    @property
    def where(self) -> Path | str:
        """Where the store is: the database's URL, which may hold a password and is not to be shown, or the file."""
        url = self.database_url.get_secret_value() if self.database_url else ""
        return url or self.store
