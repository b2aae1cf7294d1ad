"""Invented names, posts and numbers. Any likeness with a real place or person is chance; no telephone starts with 000."""

from collections.abc import Callable, Sequence

import numpy as np

_FIRST = "云石竹枫松青白玉金龙梅桐樟柏凤鹤鹿莲兰芝霞月星雪霜清碧丹赤紫苍岚瑶琼珠璧锦绣泽沐"
_SECOND = {
    "plain": "塘埠桥畈湖店洲渡圩埂头浦港泊陂堰田庄",
    "hill": "溪坑源坪湾口垄潭滩塔亭坂坞畲墩岗",
    "mountain": "岭峰岩坑源崖岘岗尖坳顶峡峪石",
}
_RIVER_MIDDLE = ("", "", *"石竹枫松云龙金")
_RIVER_SECOND = "溪川江水河港"
_VILLAGE_END = ("村", "村", "村", "新村", "自然村", "社区")
_SURNAMES = "赵钱孙李周吴郑王冯陈卫蒋沈韩杨朱秦许何吕张孔曹严金魏陶姜谢邹章苏潘葛范彭鲁马方俞任袁柳史唐"
_GIVEN = "伟芳敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华建国文斌辉力永健世广志义兴良海山仁波宁贵福生龙元"


class Names:
    """Draws names and remembers those given, so that no two places share one."""

    def __init__(self, rng: np.random.Generator, taken: Sequence[str] = ()) -> None:
        self._rng = rng
        self._taken = set(taken)

    def place(self, ground: str) -> str:
        """Two characters, the second by the ground: plain, hill or mountain."""
        return self._fresh(lambda: self._one(_FIRST) + self._one(_SECOND[ground]))

    def river(self) -> str:
        """Two or three characters that end in a word for water."""
        return self._fresh(lambda: self._one(_FIRST) + self._one(_RIVER_MIDDLE) + self._one(_RIVER_SECOND))

    def village(self, ground: str) -> str:
        """A place with a village's ending; may occur in several towns, as in life."""
        end = _VILLAGE_END[int(self._rng.integers(len(_VILLAGE_END)))]
        return self._one(_FIRST) + self._one(_SECOND[ground]) + end

    def unique(self, name: str) -> str:
        """The name, numbered from 2 where it was given before."""
        number, fresh = 1, name
        while fresh in self._taken:
            number += 1
            fresh = f"{name}{number}号"
        self._taken.add(fresh)
        return fresh

    def person(self) -> str:
        """A surname and one or two given characters."""
        return self._one(_SURNAMES) + "".join(self._one(_GIVEN) for _ in range(1 + int(self._rng.integers(2))))

    def phone(self) -> str:
        """Twelve digits that no telephone has: the area code 000."""
        return f"000-{int(self._rng.integers(0, 10**8)):08d}"

    def _one(self, characters: Sequence[str]) -> str:
        return characters[int(self._rng.integers(len(characters)))]

    def _fresh(self, draw: Callable[[], str]) -> str:
        name = draw()
        while name in self._taken:
            name = draw()
        self._taken.add(name)
        return name
