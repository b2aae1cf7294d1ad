"""Times of day as clocks here show them."""

import datetime as dt


def last_time_of_day(hour: int, minute: int, now: dt.datetime) -> dt.datetime:
    """The last moment at which clocks in this machine's zone showed that time.

    >>> now = dt.datetime(2026, 7, 2, 7, 0).astimezone()
    >>> f"{last_time_of_day(8, 0, now):%d %H:%M}", f"{last_time_of_day(6, 30, now):%d %H:%M}"
    ('01 08:00', '02 06:30')
    """
    here = now.astimezone()
    days = (dt.datetime.combine(here.date() - dt.timedelta(days=back), dt.time(hour, minute)).astimezone() for back in (0, 1))
    return next(day for day in days if day <= now)
