//! Finding answers by words.
//!
//! A word matches an answer if their stems are the same, or if one of at least four letters begins
//! the other. The answers that match most of the words are found; among them, those whose need says
//! the words come before those whose further words do.

use std::collections::BTreeSet;

use super::data::Answer;

/// Words that say nothing about the situation.
const FILLERS: &[&str] = &[
    "a", "all", "an", "and", "are", "as", "at", "be", "but", "by", "can", "channel", "do", "does",
    "each", "for", "from", "get", "has", "have", "how", "i", "if", "in", "is", "it", "its", "me",
    "mere", "more", "my", "need", "no", "not", "of", "on", "or", "should", "so", "than", "that",
    "the", "them", "then", "there", "this", "to", "too", "use", "want", "what", "when", "which",
    "who", "will", "with", "would",
];

/// How many answers are shown at most.
const MOST: usize = 3;

/// The answers that the words describe, best first.
pub fn find<'a>(answers: &'a [Answer], words: &str) -> Vec<&'a Answer> {
    let wanted = stems(words);
    let mut scored: Vec<_> = answers
        .iter()
        .map(|answer| (score(answer, &wanted), answer))
        .filter(|((matched, _), _)| *matched > 0)
        .collect();
    // The sort is stable: equals stay in the order of the file.
    scored.sort_by(|(a, _), (b, _)| b.cmp(a));
    let best = scored.first().map_or(0, |((matched, _), _)| *matched);
    scored
        .into_iter()
        .take_while(|((matched, _), _)| *matched == best)
        .map(|(_, answer)| answer)
        .take(MOST)
        .collect()
}

/// Every word that finds something, as it is written in the data.
pub fn keywords(answers: &[Answer]) -> BTreeSet<String> {
    answers
        .iter()
        .flat_map(|answer| words(&answer.need).chain(words(&answer.words)))
        .collect()
}

/// How many of the words match, and how many of them in the need or in what to take.
fn score(answer: &Answer, wanted: &BTreeSet<String>) -> (usize, usize) {
    let first = stems(&format!("{} {}", answer.need, answer.take));
    let further = stems(&answer.words);
    let count =
        |stems: &BTreeSet<String>| wanted.iter().filter(|word| matches(stems, word)).count();
    let anywhere = first.union(&further).cloned().collect();
    (count(&anywhere), count(&first))
}

fn matches(stems: &BTreeSet<String>, wanted: &str) -> bool {
    let begins = |long: &str, short: &str| short.len() >= 4 && long.starts_with(short);
    stems
        .iter()
        .any(|stem| stem == wanted || begins(stem, wanted) || begins(wanted, stem))
}

/// The words of a text that say something, in small letters.
pub fn words(text: &str) -> impl Iterator<Item = String> + '_ {
    text.split(|letter: char| !letter.is_alphanumeric())
        .map(str::to_lowercase)
        .filter(|word| !word.is_empty() && !FILLERS.contains(&word.as_str()))
}

fn stems(text: &str) -> BTreeSet<String> {
    words(text).map(|word| stem(&word)).collect()
}

/// A word without its ending, so that `consumers`, `consumed` and `consuming` are one.
fn stem(word: &str) -> String {
    const ENDINGS: &[&str] = &["ing", "ers", "ies", "est", "ed", "er", "es", "e", "s", "y"];
    for ending in ENDINGS {
        match word.strip_suffix(ending) {
            Some(rest) if rest.len() >= 3 && !rest.ends_with('s') => return undoubled(rest),
            _ => {}
        }
    }
    word.to_owned()
}

/// `dropp` of `dropping` is `drop`.
fn undoubled(word: &str) -> String {
    let mut last = word.chars().rev();
    let doubled = last.next() == last.next() && word.len() > 3;
    word[..word.len() - usize::from(doubled && word.is_ascii())].to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_of_a_word_have_one_stem() {
        for forms in [
            &["consumer", "consumers", "consume", "consumed", "consuming"][..],
            &["drop", "drops", "dropped", "dropping"],
            &["value", "values"],
            &["late", "latest"],
            &["reply", "replies"],
            &["cancel", "cancelled", "cancelling", "cancels"],
        ] {
            let stems: BTreeSet<_> = forms.iter().map(|form| stem(form)).collect();
            assert_eq!(stems.len(), 1, "{stems:?}");
        }
    }

    #[test]
    fn fillers_and_punctuation_do_not_count() {
        assert!(stems("What should I use?").is_empty());
        assert_eq!(stems("the latest, the value").len(), 2);
    }
}
