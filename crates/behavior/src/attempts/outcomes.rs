//! What the answers of one endpoint to attempts mean.

use std::collections::BTreeMap;

use tapline_model::{AttemptAnswer, AttemptKey, AttemptKind, Claim, Epoch};

use crate::bounded::Bounded;

/// Answers that are told apart; what comes then is judged by what it says alone.
const ANSWERS_MAX: usize = 64;
/// Seconds within which somebody who was refused tries again.
const RETRY_SECONDS: u64 = 300;
/// Tries from which on the share of those who try again says something.
const TRIES_MIN: u64 = 20;
/// Tries again, of a hundred, from which on an answer is a refusal.
const RETRIED_PERCENT_MIN: u64 = 40;
/// Tries again, of a hundred, up to which another answer is a success.
const RETRIED_PERCENT_MAX: u64 = 10;
/// Answers with a credential that show that success gives one.
const CREDENTIALS_MIN: u64 = 2;

/// What became of a try.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It went well.
    Granted,
    /// It was turned down.
    Refused,
    /// Nobody knows: no answer, or one that failed.
    Unknown,
}

/// Learned from all answers of one endpoint to attempts of one kind.
///
/// Nobody labels them. What gives a credential is a success; where success gives one, nothing else
/// is. Where none is seen, an answer after which the same account is tried with another secret is a
/// refusal: people who got in do not.
#[derive(Debug, Default)]
pub(crate) struct Outcomes {
    answers: BTreeMap<AttemptAnswer, Answers>,
    /// Answers with a token.
    tokens: u64,
    /// Redirects to elsewhere.
    moves: u64,
    /// Answers below 400 without a token, and those of them that set a session cookie.
    accepted: (u64, u64),
    /// The same of 4xx.
    refused: (u64, u64),
}

#[derive(Debug, Default)]
struct Answers {
    tries: u64,
    retried: u64,
    /// It was a refusal once: a flood of tries at other accounts does not make it a success.
    is_refusal: bool,
}

/// The last try at each account of each endpoint.
#[derive(Debug)]
pub(crate) struct LastTries(Bounded<u64, (Epoch, AttemptAnswer, u32)>);

impl LastTries {
    /// Of so many accounts.
    pub(crate) fn new(accounts_max: u32) -> Self {
        Self(Bounded::new(accounts_max))
    }

    /// Changes the bound.
    pub(crate) fn set_max(&mut self, accounts_max: u32) {
        self.0.set_max(accounts_max);
    }

    /// Notes a try at the endpoint and account `at`. If it follows another one with another secret,
    /// and soon, what that was answered.
    pub(crate) fn follow(
        &mut self,
        at: u64,
        epoch: Epoch,
        key: &AttemptKey,
    ) -> Option<AttemptAnswer> {
        let before = self.0.get(at).copied();
        while self.0.make_room(at).is_some() {}
        *self.0.touch(at, epoch, || (epoch, key.answer, key.secret)) =
            (epoch, key.answer, key.secret);
        let (then, answer, secret) = before?;
        let is_soon = epoch.0.saturating_sub(then.0) <= RETRY_SECONDS;
        (is_soon && secret != key.secret).then_some(answer)
    }
}

impl Outcomes {
    /// Learns from a try that was made so many times; `followed` is what the try was answered that
    /// it follows.
    pub(crate) fn learn(
        &mut self,
        answer: AttemptAnswer,
        times: u64,
        followed: Option<AttemptAnswer>,
    ) {
        let status = answer.status();
        if !(200..500).contains(&status) {
            return;
        }
        let cookies = if answer.has_cookie() { times } else { 0 };
        if status >= 400 {
            self.refused.0 += times;
            self.refused.1 += cookies;
            return;
        }
        if answer.has_token() {
            self.tokens += times;
            return;
        }
        self.accepted.0 += times;
        self.accepted.1 += cookies;
        if status >= 300 && !answer.leads_back() {
            self.moves += times;
        }
        if self.answers.len() < ANSWERS_MAX || self.answers.contains_key(&answer) {
            self.answers.entry(answer).or_default().tries += 1;
        }
        if let Some(known) = followed.and_then(|followed| self.answers.get_mut(&followed)) {
            known.retried += 1;
        }
        self.conclude();
    }

    /// An answer that most try again after is a refusal, if there is one that they do not.
    fn conclude(&mut self) {
        let percent = |known: &Answers| 100 * known.retried / known.tries.max(1);
        let is_told = |known: &&mut Answers| known.tries >= TRIES_MIN;
        let has_success = self
            .answers
            .values_mut()
            .filter(is_told)
            .any(|known| !known.is_refusal && percent(known) <= RETRIED_PERCENT_MAX);
        if has_success {
            for known in self.answers.values_mut().filter(is_told) {
                known.is_refusal |= percent(known) >= RETRIED_PERCENT_MIN;
            }
        }
    }

    /// What an answer to a try of `kind` means.
    pub(crate) fn verdict(&self, kind: AttemptKind, answer: AttemptAnswer) -> Verdict {
        let status = answer.status();
        match status {
            0..200 | 500.. => return Verdict::Unknown,
            // Of basic credentials only 401 says that they were wrong (RFC 9110 section 15.5.2).
            401 | 429 => return Verdict::Refused,
            _ if kind == AttemptKind::Basic => return Verdict::Granted,
            400.. => return Verdict::Refused,
            200.. => {}
        }
        if answer.claim() == Claim::Failure {
            return Verdict::Refused;
        }
        if answer.has_token() || answer.claim() == Claim::Success {
            return Verdict::Granted;
        }
        if self.answers.get(&answer).is_some_and(|known| known.is_refusal) {
            return Verdict::Refused;
        }
        let gives_cookies = self.has_telling_cookies();
        if answer.has_cookie() && gives_cookies {
            return Verdict::Granted;
        }
        let gives_credentials = self.tokens >= CREDENTIALS_MIN || gives_cookies;
        let is_login = kind == AttemptKind::Login;
        if (is_login && gives_credentials) || answer.leads_back() {
            return Verdict::Refused;
        }
        // The form again, where success leads on.
        if is_login && answer.is_page() && status < 300 && self.moves > 0 {
            return Verdict::Refused;
        }
        Verdict::Granted
    }

    /// Whether a session cookie tells anything: where every answer sets one it does not.
    fn has_telling_cookies(&self) -> bool {
        let (accepted, with) = self.accepted;
        let (refused, without_reason) = self.refused;
        let is_rare_in_refusals = refused > 4 && without_reason * 10 <= refused;
        let is_missing_somewhere = accepted > 4 && with * 100 <= accepted * 95;
        with >= CREDENTIALS_MIN && (is_rare_in_refusals || is_missing_somewhere)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Default)]
    struct World {
        outcomes: Outcomes,
        last: Option<LastTries>,
    }

    impl World {
        fn learn(&mut self, epoch: u64, account: u64, secret: u32, answer: AttemptAnswer) {
            let key = AttemptKey { account, secret, answer, ..AttemptKey::default() };
            let last = self.last.get_or_insert_with(|| LastTries::new(1_000));
            let followed = last.follow(account, Epoch(epoch), &key);
            self.outcomes.learn(answer, 1, followed);
        }
    }

    fn learn(world: &mut World, epoch: u64, account: u64, secret: u32, answer: AttemptAnswer) {
        world.learn(epoch, account, secret, answer);
    }

    #[test]
    fn statuses_and_claims_speak_for_themselves() {
        let outcomes = Outcomes::default();
        let verdict = |kind, answer| outcomes.verdict(kind, answer);
        let ok = AttemptAnswer::new(200);
        for (kind, answer, expected) in [
            (AttemptKind::Login, AttemptAnswer::new(0), Verdict::Unknown),
            (AttemptKind::Login, AttemptAnswer::new(503), Verdict::Unknown),
            (AttemptKind::Login, AttemptAnswer::new(422), Verdict::Refused),
            (AttemptKind::Login, ok, Verdict::Granted),
            (AttemptKind::Login, ok.with_claim(Claim::Failure), Verdict::Refused),
            (AttemptKind::Login, AttemptAnswer::new(302).with_way_back(true), Verdict::Refused),
            (AttemptKind::Basic, AttemptAnswer::new(404), Verdict::Granted),
            (AttemptKind::Basic, AttemptAnswer::new(401), Verdict::Refused),
        ] {
            assert_eq!(verdict(kind, answer), expected, "{kind:?} {answer}");
        }
    }

    #[test]
    fn where_success_gives_a_token_nothing_else_is_one() {
        let mut world = World::default();
        let (good, bad) = (AttemptAnswer::new(200).with_token(true), AttemptAnswer::new(200));
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, bad), Verdict::Granted);
        (0..3).for_each(|account| learn(&mut world, 1, account, 1, good));
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, bad), Verdict::Refused);
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, good), Verdict::Granted);
    }

    #[test]
    fn a_cookie_that_every_answer_sets_says_nothing() {
        let mut world = World::default();
        let home = AttemptAnswer::new(302).with_cookie(true);
        let form = AttemptAnswer::new(200).with_page(true).with_cookie(true);
        for account in 0..50 {
            learn(&mut world, account, account, 1, if account % 5 == 0 { form } else { home });
        }
        assert!(!world.outcomes.has_telling_cookies());
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, home), Verdict::Granted);
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, form), Verdict::Refused);
    }

    #[test]
    fn what_people_try_again_after_is_a_refusal_and_stays_one() {
        let mut world = World::default();
        let (good, bad) =
            (AttemptAnswer::new(200).with_shape(9, 1), AttemptAnswer::new(200).with_shape(9, 2));
        for account in 0..60 {
            let at = account * 1_000;
            learn(&mut world, at, account, 1, bad);
            learn(&mut world, at + 20, account, 2, good);
        }
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, bad), Verdict::Refused);
        (100..5_000).for_each(|account| learn(&mut world, 90_000, account, 1, bad));
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, bad), Verdict::Refused);
        assert_eq!(world.outcomes.verdict(AttemptKind::Login, good), Verdict::Granted);
    }
}
