"""The caption grammar: from what somebody believes is in a picture to English, with the claims the words make.

A caption is written from a `Scene`, which may be a true one, a true one with groups left out, or one with an invented
group. Because the writer cannot tell, an invented noun stands at a uniformly random place among the mentioned ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from .scenes import Group, Scene, position, relation
from .vocabulary import NOUN_BY_NAME, Place, article

NUMBERS = ("no", "one", "two", "three")
POSITION_PHRASES = {"left": "on the left", "right": "on the right", "top": "at the top", "bottom": "at the bottom",
                     "middle": "in the middle"}
RELATION_PHRASES = {"left of": "to the left of", "right of": "to the right of", "above": "above", "below": "below"}


@dataclass(frozen=True)
class Claim:
    """One checkable statement. kind: exists, colour, number, position, relation (value is e.g. "above:dog"), place or text
    (a word is written in the picture)."""

    kind: str
    noun: str
    value: str


@dataclass(frozen=True)
class Caption:
    """A text, the nouns it names in order (each once), and everything it claims."""

    text: str
    nouns: tuple[str, ...]
    claims: tuple[Claim, ...]


def holds(claim: Claim, scene: Scene) -> bool:
    """Whether a claim is true of a scene."""
    if claim.kind == "text":
        return scene.lettering is not None
    if claim.kind == "place":
        return scene.place.name == claim.value
    group = next((g for g in scene.groups if g.noun == claim.noun), None)
    if group is None:
        return False
    if claim.kind == "exists":
        return True
    if claim.kind == "colour":
        return group.colour == claim.value
    if claim.kind == "number":
        return NUMBERS[group.count] == claim.value
    if claim.kind == "position":
        return claim.value in position(group)
    name, other = claim.value.split(":")
    anchor = next((g for g in scene.groups if g.noun == other), None)
    return anchor is not None and name in relation(group, anchor)


class _Writer:
    """One caption in the making: random choices, and the claims made so far.

    habit: how often the writer takes the first way to put a later sentence, the rest being as likely as one another.
    """

    def __init__(self, rng: np.random.Generator, colour_rate: float, habit: float = 0.0) -> None:
        self.rng = rng
        self.colour_rate = colour_rate
        self.habit = habit
        self.claims: list[Claim] = []
        self.nouns: list[str] = []

    def pick(self, options: tuple[str, ...]) -> str:
        return options[int(self.rng.random() * len(options))]

    def usual(self, options: tuple[str, ...]) -> str:
        """The first option by habit, else any."""
        return options[0] if self.habit and self.chance(self.habit) else self.pick(options)

    def chance(self, probability: float) -> bool:
        return float(self.rng.random()) < probability

    def name(self, group: Group) -> str:
        """A first mention: "a red car", "two dogs"."""
        self.nouns.append(group.noun)
        self.claims.append(Claim("exists", group.noun, ""))
        say_colour = self.chance(self.colour_rate)
        noun = NOUN_BY_NAME[group.noun]
        words = ""
        if group.colour is not None and say_colour:
            words = group.colour + " "
            self.claims.append(Claim("colour", group.noun, group.colour))
        if group.count == 1:
            words += noun.name
            return f"{article(words)} {words}"
        self.claims.append(Claim("number", group.noun, NUMBERS[group.count]))
        return f"{NUMBERS[group.count]} {words}{noun.plural}"

    def again(self, group: Group) -> str:
        """A second mention: "the car", "the dogs"."""
        noun = NOUN_BY_NAME[group.noun]
        return f"the {noun.name if group.count == 1 else noun.plural}"

    def position(self, group: Group) -> str:
        """"on the left", "in the top left corner"; empty for several objects."""
        found = position(group)
        if not found:
            return ""
        if len(found) == 2 and self.chance(0.4):
            self.claims += [Claim("position", group.noun, value) for value in found]
            return f"in the {found[1]} {found[0]} corner"
        value = self.pick(found)
        self.claims.append(Claim("position", group.noun, value))
        return POSITION_PHRASES[value]

    def relation(self, group: Group, anchor: Group) -> str:
        """"to the left of", or empty where no relation is clear."""
        found = relation(group, anchor)
        if not found:
            return ""
        value = self.pick(found)
        self.claims.append(Claim("relation", group.noun, f"{value}:{anchor.noun}"))
        return RELATION_PHRASES[value]

    def place(self, place: Place) -> None:
        self.claims.append(Claim("place", "", place.name))

    def names(self, groups: list[Group]) -> str:
        """"a dog, two cars and a tree"."""
        parts = [self.name(group) for group in groups]
        return parts[0] if len(parts) == 1 else ", ".join(parts[:-1]) + " and " + parts[-1]

    def done(self, text: str) -> Caption:
        return Caption(text, tuple(self.nouns), tuple(self.claims))


def _be(groups: list[Group]) -> str:
    return "is" if len(groups) == 1 and groups[0].count == 1 else "are"


def _there(groups: list[Group]) -> str:
    """English agrees "there is" with the first item of a list."""
    return "there is" if groups[0].count == 1 else "there are"


def _sentence(text: str) -> str:
    return text[0].upper() + text[1:] + "."


def noun_phrase(rng: np.random.Generator, scene: Scene, colour_rate: float = 0.6) -> Caption:
    """A fragment without a verb: "a red car", "two dogs and a ball", "a dog on the left", "a cat above a book"."""
    w = _Writer(rng, colour_rate)
    groups = list(scene.groups)
    if len(groups) == 2 and w.chance(0.4):
        first = w.name(groups[0])
        link = w.relation(groups[0], groups[1])
        second = w.name(groups[1])
        return w.done(f"{first} {link} {second}" if link else f"{first} and {second}")
    text = w.names(groups)
    if len(groups) == 1 and w.chance(0.3):
        where = w.position(groups[0])
        text = f"{text} {where}" if where else text
    elif w.chance(0.3):
        w.place(scene.place)
        text = f"{text} {scene.place.phrase}"
    return w.done(text)


def short_caption(rng: np.random.Generator, scene: Scene, colour_rate: float = 0.6) -> Caption:
    """One sentence that names every group."""
    w = _Writer(rng, colour_rate)
    groups = list(scene.groups)
    place = scene.place
    if w.chance(0.55):
        w.place(place)
        form = w.pick(("names", "there", "in", "with", "shows"))
        if form == "with":
            return w.done(_sentence(f"{place.noun_phrase} with {w.names(groups)}"))
        names = w.names(groups)
        texts = {"names": f"{names} {place.phrase}", "there": f"{_there(groups)} {names} {place.phrase}",
                 "in": f"{place.phrase}, {_there(groups)} {names}", "shows": f"the picture shows {names} {place.phrase}"}
        return w.done(_sentence(texts[form]))
    if len(groups) == 1:
        name = w.name(groups[0])
        where = w.position(groups[0]) if w.chance(0.5) else ""
        if where:
            return w.done(_sentence(w.pick((f"{_there(groups)} {name} {where}", f"{name} {where}", f"{where} is {name}"))))
        return w.done(_sentence(w.pick((f"{_there(groups)} {name}", f"{name}", f"a picture of {name}", f"this is a picture of {name}"))))
    if len(groups) == 2 and w.chance(0.4):
        first = w.name(groups[0])
        link = w.relation(groups[0], groups[1])
        if link:
            second = w.name(groups[1])
            return w.done(_sentence(w.pick((f"{first} {_be(groups[:1])} {link} {second}", f"{_there(groups)} {first} {link} {second}"))))
        return w.done(_sentence(f"{first} and {w.name(groups[1])}"))
    names = w.names(groups)
    return w.done(_sentence(w.pick((f"{_there(groups)} {names}", f"the picture shows {names}", f"I can see {names}",
                                    f"{names} can be seen", f"a picture of {names}"))))


def long_caption(rng: np.random.Generator, scene: Scene, colour_rate: float = 0.75, habit: float = 0.0) -> Caption:
    """Two to five sentences that name every group, in the order given.

    habit: how often a later sentence begins with "there". Where a model learns many openings, each is less likely than
    the end of the text, and greedy decoding stops before everything is named.
    """
    w = _Writer(rng, colour_rate, habit)
    rest = list(scene.groups)
    place = scene.place
    said: list[Group] = []
    sentences: list[str] = []
    w.place(place)
    if len(rest) < 2 or w.chance(0.3):
        sentences.append(w.pick((f"this is {place.noun_phrase}", f"the picture shows {place.noun_phrase}",
                                 f"this picture was taken {place.phrase}", f"this is a picture of {place.noun_phrase}")))
    else:
        said = rest[: 2 if len(rest) > 2 and w.chance(0.5) else 1]
        names = w.names(said)
        sentences.append(w.pick((f"the picture shows {names} {place.phrase}", f"{names} {_be(said)} {place.phrase}",
                                 f"{place.phrase}, {_there(said)} {names}", f"{_there(said)} {names} {place.phrase}",
                                 f"this picture of {place.noun_phrase} shows {names}")))
        rest = rest[len(said):]
    while rest:
        take = rest[: 2 if len(rest) > 1 and w.chance(0.4) else 1]
        sentences.append(_body(w, take, said))
        said = said + take
        rest = rest[len(take):]
    return w.done(" ".join(_sentence(s) for s in sentences))


def body_sentence(rng: np.random.Generator, scene: Scene, colour_rate: float = 0.75) -> Caption:
    """A later sentence of a long caption on its own: it names the first group or two and may refer to another one."""
    w = _Writer(rng, colour_rate)
    groups = list(scene.groups)
    take = groups[: 2 if len(groups) > 2 and w.chance(0.4) else 1]
    return w.done(_sentence(_body(w, take, groups[len(take):])))


def _body(w: _Writer, take: list[Group], said: list[Group]) -> str:
    """One further sentence about one or two groups that were not named yet."""
    be, there = _be(take), _there(take)
    if len(take) == 1 and said and w.chance(0.4):
        anchor = said[int(w.rng.random() * len(said))]
        link = w.relation(take[0], anchor)
        if link:
            name = w.name(take[0])
            return w.usual((f"{there} {name} {link} {w.again(anchor)}", f"{name} {be} {link} {w.again(anchor)}",
                           f"{link} {w.again(anchor)} {be} {name}"))
    if len(take) == 1 and w.chance(0.7):
        where = w.position(take[0])
        if where:
            name = w.name(take[0])
            return w.usual((f"{there} {name} {where}", f"{name} {be} {where}", f"{where}, {there} {name}",
                           f"{name} can be seen {where}", f"I can see {name} {where}"))
    names = w.names(take)
    if not said:
        return w.usual((f"{there} {names}", f"I can see {names}", f"{names} can be seen", f"the scene has {names}"))
    return w.usual((f"{there} also {names}", f"{names} {be} nearby", f"I can also see {names}",
                   f"the scene has {names} too", f"{names} can be seen as well"))


def statement(rng: np.random.Generator, scene: Scene) -> Caption:
    """One plain statement, as a yes/no question and its answer make together: "The car is red."."""
    w = _Writer(rng, 0.0)
    groups = list(scene.groups)
    first = groups[0]
    if len(groups) > 1 and w.chance(0.5):
        link = w.relation(first, groups[1])
        if link:
            w.nouns += [first.noun, groups[1].noun]
            w.claims += [Claim("exists", first.noun, ""), Claim("exists", groups[1].noun, "")]
            return w.done(_sentence(f"{w.again(first)} {_be([first])} {link} {w.again(groups[1])}"))
    if first.colour is not None and w.chance(0.6):
        w.nouns.append(first.noun)
        w.claims += [Claim("exists", first.noun, ""), Claim("colour", first.noun, first.colour)]
        return w.done(_sentence(f"{w.again(first)} {_be([first])} {first.colour}"))
    return w.done(_sentence(f"{_there([first])} {w.name(first)} in the picture"))
