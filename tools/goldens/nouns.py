"""Writes test/goldens/nouns.json: the nouns that AMBER's inference.py finds in captions, by NLTK's tagger and WordNet.

The captions of captions.txt were written for this. Sentences are told apart by Punkt without its English parameters, which
matter for abbreviations only; everything else is as nltk.word_tokenize, nltk.pos_tag and WordNetLemmatizer do it.
Needs nltk's averaged_perceptron_tagger and wordnet (python -m nltk.downloader averaged_perceptron_tagger wordnet).

    python tools/goldens/nouns.py
    python tools/goldens/nouns.py CAPTIONS OUT     # other captions, one a line
"""

import json
import sys
from pathlib import Path

import nltk
from nltk.stem import WordNetLemmatizer
from nltk.tokenize import NLTKWordTokenizer
from nltk.tokenize.punkt import PunktSentenceTokenizer

HERE = Path(__file__).resolve().parent
OUT = HERE.parents[1] / "test" / "goldens" / "nouns.json"


def main():
    captions = Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "captions.txt"
    out = Path(sys.argv[2]) if len(sys.argv) > 2 else OUT
    split, words, lemmatizer = PunktSentenceTokenizer(), NLTKWordTokenizer(), WordNetLemmatizer()

    def nouns(text):
        tokens = [token for sentence in split.tokenize(text) for token in words.tokenize(sentence)]
        return [lemmatizer.lemmatize(word) for word, pos in nltk.pos_tag(tokens) if pos.startswith("NN")]

    rows = [{"text": text, "nouns": nouns(text)} for text in captions.read_text().splitlines()]
    golden = {"script": "tools/goldens/nouns.py", "nltk": nltk.__version__, "captions": rows}
    out.write_text(json.dumps(golden) + "\n")
    print(len(rows), "captions,", sum(len(row["nouns"]) for row in rows), "nouns")


if __name__ == "__main__":
    main()
