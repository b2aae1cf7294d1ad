"""Settings, from the environment (``GEO_RISK_...``) or given."""

from pathlib import Path

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """What a deployment may set; every limit that an answer is bounded by is here."""

    model_config = SettingsConfigDict(env_prefix="GEO_RISK_", frozen=True, extra="forbid")

    store: Path = Field(default=Path("var/geo-risk.sqlite"), description="the embedded store's file")
    host: str = Field(default="127.0.0.1", description="the address to listen on")
    port: int = Field(default=8000, ge=0, le=65535)
    anonymous_reads: bool = Field(default=True, description="whether public columns may be read without signing in")
    token_provider: Path | None = Field(
        default=None, description="the file (docs/roles.md) of an outside provider whose tokens are believed"
    )
    snapshot_poll_s: float = Field(default=0.5, gt=0, le=60, description="how often the store is asked for new revisions")
    page_default: int = Field(default=100, ge=1, description="features a page when a request states none")
    page_max: int = Field(default=10_000, ge=1, description="features a page at most")
    radius_default_m: float = Field(default=10_000, gt=0)
    radius_max_m: float = Field(default=500_000, gt=0)
    nearest_max: int = Field(default=100, ge=1, le=1000, description="items of /nearby at most, in all")
    marks_max: int = Field(default=20_000, ge=1, description="points drawn one by one; above it they are counted in cells")
    refresh_s: int = Field(default=30, ge=1, le=3600, description="how often an open command map asks for what is new")
    bureau: str = Field(default="", max_length=80, description="the bureau's name, beside the title of the command map")
    observations: Path | None = Field(
        default=None, description="the file of gauge readings; rasters/observations.csv beside the store without"
    )
    rasters: Path | None = Field(
        default=None, description="the folder whose rasters of flood depth closures may name; rasters/ beside the store without"
    )
    access_max_min: float = Field(default=600, gt=0, le=10_000, description="minutes of travel that are searched at most")
    data_folder: Path | None = Field(default=None, description="the folder whose files a scenario sent over HTTP may name")
    compile_ahead: bool = Field(default=True, description="compile what nobody has asked for yet, beside the service")
    body_max_bytes: int = Field(default=2_000_000, ge=1000, description="bytes of a JSON body at most")
    body_max_depth: int = Field(default=32, ge=4, le=200, description="how deep a JSON body may be nested")
    jobs_at_once: int = Field(default=1, ge=1, le=64, description="jobs that run at the same time, each in a process of its own")
    jobs_waiting: int = Field(default=20, ge=1, description="jobs that may wait; above it a new one is told to come again")
    jobs_kept: int = Field(default=200, ge=1, description="finished jobs that are remembered; their runs are kept in the store")
    job_seconds: float = Field(default=600, gt=0, description="how long a job may run")
    job_memory_mb: int = Field(default=6000, ge=500, description="how much memory a job's process may take")
