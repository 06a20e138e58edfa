"""Outcomes of very many names, bit by bit, and the words of which uniforms are made."""

from hashlib import blake2b
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from impact.numerics import graph, sampling

BLOCK, STEP, DRAWS = sampling.BLOCK, 2.0**-32, 2**18
CHANCES = (0.02, 0.2, 0.37, 0.5)


def of(name: str, chance: float, draws: int = DRAWS, seed: int = 1) -> int:
    """The mask of one name."""
    return sampling.outcomes(seed, [name], np.array([chance]), draws)[0]


def truth(mask: int, draws: int = DRAWS) -> np.ndarray:
    """`(draws,)` 0 and 1."""
    return graph.unpack(mask, draws).astype(float)


@pytest.mark.parametrize("draws", [1, 63, 64, 65, 999, 10_000])
def test_0_never_happens_and_1_always_does(draws: int) -> None:
    found = sampling.outcomes(1, ["never", "always"], np.array([0.0, 1.0]), draws)
    assert found == [0, graph.everything(draws)]


@pytest.mark.parametrize("chance", CHANCES)
def test_a_chance_happens_as_often_as_it_says(chance: float) -> None:
    names = [f"n{number}" for number in range(40)]
    hits = [mask.bit_count() for mask in sampling.outcomes(2, names, np.full(40, chance), DRAWS)]
    z = (np.array(hits) / DRAWS - chance) / np.sqrt(chance * (1 - chance) / DRAWS)
    assert np.abs(z).max() < 4.5
    assert abs(z.mean()) < 4 / np.sqrt(40)
    assert 0.4 < (z**2).mean() < 2.0


def test_the_least_chance_is_all_but_never_and_the_greatest_but_one_all_but_always() -> None:
    names = [f"n{number}" for number in range(64)]
    rare = sampling.outcomes(1, names, np.full(64, STEP), 2**20)
    assert sum(mask.bit_count() for mask in rare) <= 3  # 2^26 draws of 2^-32: .016 expected
    frequent = sampling.outcomes(1, names, np.full(64, 1 - STEP), 2**20)
    assert sum(mask.bit_count() for mask in frequent) >= 2**26 - 3


def test_a_rare_chance_of_few_bits_happens_as_often_as_it_says() -> None:
    chance, names = 2.0**-14, [f"n{number}" for number in range(64)]
    hits = sum(mask.bit_count() for mask in sampling.outcomes(1, names, np.full(64, chance), DRAWS))
    assert abs(hits - 1024) < 4 * np.sqrt(1024)


@given(st.floats(0, 1), st.floats(0, 1))
def test_a_lower_chance_happens_in_a_part_of_the_draws_of_a_higher_one(
    one: float, other: float
) -> None:
    low, high = sorted((one, other))
    assert of("a", low, 500) & ~of("a", high, 500) == 0


@given(st.integers(0, 2**32), st.integers(0, 31))
def test_chances_a_power_of_two_apart_are_still_nested(cells: int, bit: int) -> None:
    low = of("a", cells * STEP, 200)
    high = of("a", min(1.0, (cells + 2**bit) * STEP), 200)
    assert low & ~high == 0


def test_names_happen_apart_from_each_other() -> None:
    names = ["a", "b", "a|0", "0|a", "n1", "n2", "n127", "n128"]
    masks = sampling.outcomes(1, names, np.full(len(names), 0.37), DRAWS)
    found = np.corrcoef([truth(mask) for mask in masks]) - np.eye(len(names))
    assert np.abs(found).max() < 4.5 / np.sqrt(DRAWS)


def test_seeds_happen_apart_from_each_other() -> None:
    masks = [of("a", 0.5, seed=seed) for seed in range(8)]
    found = np.corrcoef([truth(mask) for mask in masks]) - np.eye(8)
    assert np.abs(found).max() < 4.5 / np.sqrt(DRAWS)


@pytest.mark.parametrize("chance", CHANCES)
def test_a_draw_says_nothing_of_a_later_one(chance: float) -> None:
    happened = truth(of("a", chance))
    for lag in (1, 2, 63, 64, 65, 128, 4096):
        found = np.corrcoef(happened[:-lag], happened[lag:])[0, 1]
        assert abs(found) < 4.5 / np.sqrt(DRAWS), lag


def test_places_in_a_word_happen_alike() -> None:
    hits = truth(of("a", 0.2)).reshape(-1, 64).sum(axis=0)
    expected = DRAWS / 64 * 0.2
    assert ((hits - expected) ** 2 / (expected * 0.8)).sum() < 64 + 4 * np.sqrt(2 * 64)


def test_three_names_happen_together_as_often_as_their_product() -> None:
    names = [f"n{number}" for number in range(12)]
    masks = sampling.outcomes(3, names, np.full(12, 0.5), DRAWS)
    for one, two, three in combinations(masks, 3):
        z = ((one & two & three).bit_count() / DRAWS - 0.125) / np.sqrt(0.125 * 0.875 / DRAWS)
        assert abs(z) < 4.5


@pytest.mark.parametrize("draws", [1, 100, 1000])
def test_a_name_added_or_moved_changes_no_other_bit(draws: int) -> None:
    names = [f"n{number}" for number in range(300)]
    chances = sampling.uniform(1, "chances", 300)
    before = dict(zip(names, sampling.outcomes(1, names, chances, draws), strict=True))
    more = ["new", *names[::-1]]
    after = sampling.outcomes(1, more, np.array([0.5, *chances[::-1]]), draws)
    assert {name: mask for name, mask in zip(more, after, strict=True) if name != "new"} == before
    assert before["n7"] == of("n7", chances[7], draws)


@given(st.integers(1, 300), st.integers(1, 300), st.floats(0, 1))
def test_fewer_draws_are_the_beginning_of_more(one: int, other: int, chance: float) -> None:
    few, many = sorted((one, other))
    assert of("a", chance, few) == of("a", chance, many) & graph.everything(few)


def mixed(z: int) -> int:
    """SplitMix64 as Vigna publishes it (prng.di.unimi.it/splitmix64.c), in whole numbers."""
    z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) % 2**64
    z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) % 2**64
    return z ^ (z >> 31)


@given(st.sampled_from("abcdefgh"), st.one_of(st.floats(0, 1), st.sampled_from(CHANCES)))
def test_a_name_happens_where_its_32_random_bits_are_below_its_chance(
    name: str, chance: float
) -> None:
    key = int.from_bytes(blake2b(f"9|{name}".encode(), digest_size=8).digest(), "little")
    happened = of(name, chance, 130, seed=9)
    for draw in range(130):
        place, bit = divmod(draw, 64)
        counters = [key + (place + (number << 40)) * 0x9E3779B97F4A7C15 for number in range(32)]
        below = int("".join(str(mixed(c % 2**64) >> bit & 1) for c in counters), 2)
        assert happened >> draw & 1 == (below < round(chance * 2**32))


# words


@given(st.integers(0, 2**32), st.sampled_from(["a", "b", "c"]))
def test_words_decide_as_the_uniforms_made_of_them(cells: int, name: str) -> None:
    words, u = sampling.words(1, name, 300), sampling.uniform(1, name, 300)
    assert np.array_equal(u, (words + 0.5) * STEP)
    for chance in {cells * STEP, float(words[0]) * STEP, (float(words[1]) + 1) * STEP}:
        assert np.array_equal(sampling.happens(words, chance), sampling.happens(u, chance))
        many = np.full(300, chance)
        assert np.array_equal(sampling.happens(words, many), sampling.happens(u, many))
        assert np.array_equal(sampling.happens(words, many), sampling.happens(words, chance))


@given(st.floats(0, 1))
def test_any_chance_is_rounded_alike_for_words_and_uniforms(chance: float) -> None:
    words, u = sampling.words(1, "a", 300), sampling.uniform(1, "a", 300)
    assert np.array_equal(sampling.happens(words, chance), sampling.happens(u, chance))


def test_words_at_0_and_1_never_and_always_happen() -> None:
    words = np.array([0, 1, 2**31, 2**32 - 1], dtype=np.uint32)
    for never, always in ((0.0, 1.0), (np.zeros(4), np.ones(4))):
        assert not sampling.happens(words, never).any()
        assert sampling.happens(words, always).all()


@pytest.mark.parametrize("draws", [1, 7, BLOCK - 1, BLOCK, BLOCK + 9])
@pytest.mark.parametrize("block", [0, 1, 3])
def test_later_blocks_are_those_of_a_longer_stream(block: int, draws: int) -> None:
    whole = sampling.words(5, "a", 5 * BLOCK)
    first = block * BLOCK
    assert np.array_equal(sampling.words(5, "a", draws, first), whole[first : first + draws])
    later = sampling.uniform(5, "a", draws, first)
    assert np.array_equal(later, (whole[first : first + draws] + 0.5) * STEP)
