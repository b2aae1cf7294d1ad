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
    snapshot_poll_s: float = Field(default=0.5, gt=0, le=60, description="how often the store is asked for new revisions")
    page_default: int = Field(default=100, ge=1, description="features a page when a request states none")
    page_max: int = Field(default=10_000, ge=1, description="features a page at most")
    radius_default_m: float = Field(default=10_000, gt=0)
    radius_max_m: float = Field(default=500_000, gt=0)
    nearest_max: int = Field(default=100, ge=1, le=1000, description="items of /nearby at most, in all")
    marks_max: int = Field(default=20_000, ge=1, description="points drawn one by one; above it they are counted in cells")
    refresh_s: int = Field(default=30, ge=1, le=3600, description="how often an open command map asks for what is new")
    bureau: str = Field(default="", max_length=80, description="the bureau's name, beside the title of the command map")
