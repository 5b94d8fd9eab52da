"""The closed vocabulary of the embedded world: nouns, colours and places.

Every noun is one everyday word, drawn by one colour emoji (Noto Emoji). A noun is *typical* of the places that list
it and a surprise everywhere else. That list is what a language model can learn as a habit, so it is also where its
hallucinations come from.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Noun:
    """One object class: its word, its plural, the emoji's file stem, and whether it is drawn in several colours."""

    name: str
    plural: str
    emoji: str
    tintable: bool


@dataclass(frozen=True)
class Place:
    """One kind of scene: its word, the phrase that locates something in it, and its typical nouns, commonest first."""

    name: str
    phrase: str
    noun_phrase: str
    typical: tuple[str, ...]


def _noun(name: str, emoji: str, tintable: bool = False, plural: str | None = None) -> Noun:
    return Noun(name, plural or _plural(name), emoji, tintable)


def _plural(name: str) -> str:
    if name.endswith("y") and name[-2] not in "aeiou":
        return name[:-1] + "ies"
    return name + ("es" if name.endswith(("s", "x", "sh", "ch")) else "s")


NOUNS: tuple[Noun, ...] = (
    # food and kitchen things
    _noun("apple", "1f34e"), _noun("banana", "1f34c"), _noun("lemon", "1f34b"), _noun("carrot", "1f955"),
    _noun("pineapple", "1f34d"), _noun("mushroom", "1f344"), _noun("pizza", "1f355"), _noun("egg", "1f95a"),
    _noun("cookie", "1f36a"), _noun("cake", "1f382"), _noun("cup", "2615"), _noun("teapot", "1fad6", True),
    _noun("spoon", "1f944"), _noun("candle", "1f56f-fe0f"),
    # animals
    _noun("dog", "1f415"), _noun("cat", "1f408-200d-2b1b"), _noun("cow", "1f404"), _noun("pig", "1f416"),
    _noun("horse", "1f40e"), _noun("rabbit", "1f407"), _noun("rooster", "1f413"), _noun("duck", "1f986"),
    _noun("squirrel", "1f43f-fe0f"), _noun("butterfly", "1f98b", True), _noun("parrot", "1f99c"),
    _noun("eagle", "1f985"), _noun("owl", "1f989"), _noun("penguin", "1f427"), _noun("crab", "1f980"),
    _noun("turtle", "1f422"), _noun("octopus", "1f419", True), _noun("dolphin", "1f42c"), _noun("shark", "1f988"),
    _noun("whale", "1f40b"), _noun("shell", "1f41a"),
    # plants
    _noun("tree", "1f333"), _noun("palm", "1f334"), _noun("flower", "1f337", True),
    # vehicles and things that fly
    _noun("car", "1f697", True), _noun("bus", "1f68c", True), _noun("truck", "1f69a", True), _noun("taxi", "1f695"),
    _noun("tractor", "1f69c"), _noun("bicycle", "1f6b2", True), _noun("boat", "26f5", True),
    _noun("airplane", "2708-fe0f", True), _noun("helicopter", "1f681", True), _noun("rocket", "1f680"),
    _noun("balloon", "1f388", True), _noun("kite", "1fa81"), _noun("parachute", "1fa82"), _noun("sled", "1f6f7"),
    # things
    _noun("ball", "26bd"), _noun("umbrella", "2602-fe0f", True), _noun("bucket", "1faa3", True),
    _noun("laptop", "1f4bb"), _noun("printer", "1f5a8-fe0f"), _noun("book", "1f4d5", True), _noun("clock", "23f0", True),
    _noun("pencil", "270f-fe0f"), _noun("chair", "1fa91"), _noun("camera", "1f4f7"), _noun("gift", "1f381", True),
    _noun("hat", "1f3a9"), _noun("guitar", "1f3b8", True), _noun("trumpet", "1f3ba"), _noun("drum", "1f941", True),
    _noun("crown", "1f451"), _noun("scarf", "1f9e3", True, plural="scarves"), _noun("skate", "26f8-fe0f"),
    _noun("tent", "26fa", True), _noun("snowman", "26c4", plural="snowmen"), _noun("star", "2b50"),
    _noun("moon", "1f319"),
)

COLOURS: tuple[str, ...] = ("red", "yellow", "green", "blue", "purple", "pink")

PLACES: tuple[Place, ...] = (
    Place("kitchen", "in a kitchen", "a kitchen",
          ("apple", "cup", "spoon", "egg", "banana", "teapot", "carrot", "lemon", "pizza", "cookie", "cake")),
    Place("beach", "on a beach", "a beach",
          ("umbrella", "crab", "palm", "ball", "shell", "bucket", "boat", "turtle", "pineapple", "kite", "parrot")),
    Place("street", "on a street", "a street",
          ("car", "bus", "bicycle", "taxi", "truck", "dog", "umbrella", "tree", "cat")),
    Place("park", "in a park", "a park",
          ("tree", "dog", "flower", "squirrel", "duck", "butterfly", "ball", "bicycle", "mushroom", "kite")),
    Place("farm", "on a farm", "a farm",
          ("cow", "horse", "pig", "tractor", "rooster", "rabbit", "bucket", "egg", "carrot", "cat")),
    Place("office", "in an office", "an office",
          ("laptop", "chair", "book", "printer", "pencil", "clock", "cup", "camera", "hat")),
    Place("party", "at a party", "a party",
          ("balloon", "cake", "gift", "candle", "guitar", "hat", "drum", "trumpet", "crown", "camera", "pizza", "cookie")),
    Place("sky", "in the sky", "the sky",
          ("airplane", "helicopter", "balloon", "eagle", "kite", "star", "moon", "rocket", "parachute", "parrot", "butterfly")),
    Place("sea", "in the sea", "the sea",
          ("dolphin", "octopus", "shark", "whale", "turtle", "shell", "crab", "boat")),
    Place("snow", "in the snow", "the snow",
          ("snowman", "sled", "penguin", "scarf", "skate", "tent", "owl", "tree", "rabbit")),
)

NOUN_BY_NAME: dict[str, Noun] = {noun.name: noun for noun in NOUNS}
NOUN_INDEX: dict[str, int] = {noun.name: i for i, noun in enumerate(NOUNS)}
PLACE_BY_NAME: dict[str, Place] = {place.name: place for place in PLACES}
SINGULAR: dict[str, str] = {form: noun.name for noun in NOUNS for form in (noun.name, noun.plural)}
"""Lemma of every noun form that can occur in a caption."""


def article(word: str) -> str:
    """The indefinite article of a word of this vocabulary, by its first letter."""
    return "an" if word[0] in "aeiou" else "a"


def typical_weights(place: Place) -> list[float]:
    """How often each typical noun of a place occurs, a Zipf law over its list; sums to 1. Length len(place.typical)."""
    raw = [1.0 / (rank + 2.0) for rank in range(len(place.typical))]
    total = sum(raw)
    return [weight / total for weight in raw]
