//! One script for each detection, and one that looks like it and is none.

use std::collections::BTreeSet;

use tapline_behavior::Config;
use tapline_model::{GraphQuery, Severity};

use crate::population::{self, Scale, USERS, order};
use crate::world::{Call, DAY, HOUR, Who, World, sent};

/// Somebody with an account and orders of their own.
const EVE: Who = Who::user(7);
/// When scripts begin: after three days, in the morning of the fourth.
const BEGIN: u64 = 3 * DAY + 9 * HOUR;

/// Detections of this file.
const OURS: [&str; 7] = [
    "object_enumeration",
    "function_level_authorization",
    "mass_assignment",
    "scraping",
    "exfiltration",
    "resource_exhaustion",
    "flow_violation",
];

/// Four days of the population, and a script on top.
fn play(script: impl FnOnce(&mut World)) -> World {
    let mut world = World::new(Config::default());
    for day in 0..4 {
        population::plan_day(&mut world, day, Scale { bulk: 300 });
    }
    script(&mut world);
    world.run_until(4 * DAY);
    world
}

/// Plays a script; the seconds from its beginning until the detection speaks of `who`. Nobody else is
/// blamed, and by no other detection.
fn check(detection: &str, who: Who, severity: Severity, script: impl FnOnce(&mut World)) -> u64 {
    let world = play(script);
    let ours = blamed(&world);
    let expected = BTreeSet::from([(detection.to_owned(), Some(who.key()))]);
    assert_eq!(ours, expected, "{:#?}", world.findings.first());
    let (at, first, worst) = world.found(detection, who).unwrap();
    assert_eq!(worst.severity, severity, "{worst:#?}");
    assert!(first.probability <= 0.05 && first.lift > 1.0, "{first:#?}");
    assert_eq!(first.client_addresses, [who.client()]);
    assert!(first.evidence.iter().any(|fact| fact.name == "why it is no false alarm"));
    at - BEGIN
}

/// Plays what only looks like it.
fn is_quiet(script: impl FnOnce(&mut World)) {
    let world = play(script);
    assert_eq!(blamed(&world), BTreeSet::new(), "{:#?}", world.findings.first());
}

fn blamed(world: &World) -> BTreeSet<(String, Option<tapline_model::ConsumerKey>)> {
    let all = world.blamed().into_iter();
    all.filter(|(detection, _)| OURS.contains(&detection.as_str())).collect()
}

#[test]
fn the_population_alone_is_left_alone() {
    let world = play(|_| {});
    assert_eq!(blamed(&world), BTreeSet::new(), "{:#?}", world.findings.first());
    assert!(world.requests > 100_000, "{}", world.requests);
}

#[test]
#[ignore = "a million requests take a while: run it with --ignored"]
fn a_million_requests_blame_nobody() {
    let mut world = World::new(Config::default());
    for day in 0..8 {
        population::plan_day(&mut world, day, Scale { bulk: 2_400 });
        world.run_until((day + 1) * DAY);
    }
    assert_eq!(blamed(&world), BTreeSet::new(), "{:#?}", world.findings.first());
    assert!(world.requests > 1_000_000, "{}", world.requests);
}

#[test]
fn counting_through_ids_is_found_within_the_first_dozen() {
    let seconds = check("object_enumeration", EVE, Severity::High, |world| {
        for n in 0..60 {
            let found = if n % 3 == 0 { 404 } else { 200 };
            let call = Call::new("GET", "/orders/{orderId}").id(900_000 + n).status(found);
            world.plan(BEGIN + n * 5, EVE, call);
        }
    });
    assert!(seconds <= 120, "{seconds}");
}

#[test]
fn a_few_objects_of_others_each_hour_are_found_though_they_are_under_every_threshold() {
    let seconds = check("object_enumeration", EVE, Severity::High, |world| {
        for n in 0..40 {
            let id = order(100 + n * 11 % 400, n % 6);
            let call = Call::new("GET", "/orders/{orderId}").id(id);
            world.plan(BEGIN + n * HOUR / 5, EVE, call);
        }
    });
    assert!(seconds <= 2 * HOUR, "{seconds}");
}

#[test]
fn many_objects_at_random_are_found() {
    let seconds = check("object_enumeration", EVE, Severity::Critical, |world| {
        for n in 0..400 {
            let call = Call::new("GET", "/orders/{orderId}").id(order(n % USERS, n % 6));
            world.plan(BEGIN + n * 4, EVE, call);
        }
    });
    assert!(seconds <= 300, "{seconds}");
}

#[test]
fn somebody_who_reads_all_of_their_own_is_left_alone() {
    is_quiet(|world| {
        // In order, as a page loads them: their list has named them.
        let own = 400_000..400_060;
        let list = Call::new("GET", "/orders").serving(own.clone());
        world.plan(BEGIN, EVE, list);
        for id in own {
            let at = BEGIN + 1 + id % 60;
            world.plan(at, EVE, Call::new("GET", "/orders/{orderId}").id(id));
        }
    });
}

#[test]
fn a_new_member_of_support_is_left_alone() {
    is_quiet(|world| population::plan_support(world, Who::user(9_050), 77, 3 * DAY));
}

#[test]
fn a_customer_at_an_administrators_function_is_found_at_once() {
    let seconds = check("function_level_authorization", EVE, Severity::High, |world| {
        for day in 0..3 {
            for n in 0..12 {
                world.plan(day * DAY + HOUR + n * 30, EVE, Call::new("GET", "/orders"));
            }
        }
        for n in 0..3 {
            let call = Call::new("DELETE", "/admin/users/{userId}").id(40 + n * 50);
            world.plan(BEGIN + n * 60, EVE, call);
        }
    });
    assert!(seconds <= 1, "{seconds}");
}

#[test]
fn an_administrators_other_functions_are_left_alone() {
    is_quiet(|world| {
        // A fourth administrator, who begins with the audit and only later deletes.
        let new = Who::user(9_150);
        for n in 0..40 {
            world.plan(BEGIN + n * 60, new, Call::new("GET", "/admin/audit"));
        }
        for n in 0..4 {
            let call = Call::new("DELETE", "/admin/users/{userId}").id(40 + n * 50);
            world.plan(BEGIN + HOUR + n * 60, new, call);
        }
    });
}

#[test]
fn collecting_the_catalogue_is_found() {
    let thief = Who::address(9_400, 1);
    let seconds = check("scraping", thief, Severity::High, |world| {
        for n in 0..3_000 {
            let call = Call::new("GET", "/products/{productId}").id(n * 7 % 3_000);
            world.plan(BEGIN + n, thief, call);
        }
    });
    assert!(seconds <= HOUR, "{seconds}");
}

#[test]
fn a_long_look_around_is_left_alone() {
    is_quiet(|world| {
        for n in 0..120 {
            let call = Call::new("GET", "/products/{productId}").id(n * 19 % 3_000);
            world.plan(BEGIN + n * 25, EVE, call);
        }
    });
}

#[test]
fn taking_out_far_more_than_anybody_is_found() {
    let seconds = check("exfiltration", EVE, Severity::High, |world| {
        for n in 0..120 {
            let call = Call { bytes: 1_000_000, ..Call::new("GET", "/orders") };
            world.plan(BEGIN + n * 20, EVE, call);
        }
    });
    assert!(seconds <= 30 * 60, "{seconds}");
}

#[test]
fn a_large_download_is_left_alone() {
    is_quiet(|world| {
        let call = Call { bytes: 40_000_000, ..Call::new("GET", "/orders") };
        world.plan(BEGIN, EVE, call);
    });
}

#[test]
fn work_for_one_alone_is_found() {
    let seconds = check("resource_exhaustion", EVE, Severity::High, |world| {
        for n in 0..200 {
            let call = Call { latency_us: 3_000_000, ..Call::new("GET", "/products") };
            world.plan(BEGIN + n * 3, EVE, call);
        }
    });
    assert!(seconds <= 10 * 60, "{seconds}");
}

#[test]
fn slow_answers_to_everybody_are_left_alone() {
    is_quiet(|world| {
        for n in 0..400 {
            let who = Who::user(n % 40);
            let call = Call { latency_us: 3_000_000, ..Call::new("GET", "/products") };
            world.plan(BEGIN + n, who, call);
        }
    });
}

#[test]
fn a_query_that_is_too_deep_or_a_limit_too_large_is_found() {
    let deep = |depth, aliases, batch| {
        let mut call = Call::new("POST", "/graphql");
        call.objects.graph = GraphQuery { depth, aliases, batch };
        call
    };
    for call in [deep(40, 0, 1), deep(3, 900, 1), deep(3, 0, 90)] {
        check("resource_exhaustion", EVE, Severity::Medium, |world| {
            world.plan(BEGIN, EVE, call);
        });
    }
    is_quiet(|world| world.plan(BEGIN, EVE, deep(12, 30, 5)));
}

#[test]
fn a_limit_far_above_what_others_ask_for_is_found() {
    let list = |limit| {
        let mut call = Call::new("GET", "/products");
        call.objects.limit = limit;
        call
    };
    let everybody = |world: &mut World| {
        for n in 0..300 {
            world.plan(DAY + n * 60, Who::user(n), list(20 + n % 2 * 30));
        }
    };
    check("resource_exhaustion", EVE, Severity::Medium, |world| {
        everybody(world);
        world.plan(BEGIN, EVE, list(100_000));
    });
    is_quiet(|world| {
        everybody(world);
        world.plan(BEGIN, EVE, list(200));
        world.plan(BEGIN + 5, EVE, Call { status: 400, ..list(100_000) });
    });
}

/// Six hundred changes of orders by their owners, with a note each; answers have a status.
fn plan_changes(world: &mut World) {
    for n in 0..600 {
        let mut call = Call::new("PUT", "/orders/{orderId}").id(order(n, 0));
        call.fields = sent(&["note"], &["note", "status"]);
        world.plan(DAY + n * 100, Who::user(n), call);
    }
}

#[test]
fn a_field_that_answers_have_and_nobody_sent_is_found() {
    for (name, severity) in [("isAdmin", Severity::High), ("status", Severity::Medium)] {
        let seconds = check("mass_assignment", EVE, severity, |world| {
            plan_changes(world);
            let mut call = Call::new("PUT", "/orders/{orderId}").id(order(7, 0));
            call.fields = sent(&["note", name], &["note", "status"]);
            world.plan(BEGIN, EVE, call);
        });
        assert!(seconds <= 1, "{seconds}");
    }
}

#[test]
fn a_field_of_no_consequence_or_that_came_early_is_left_alone() {
    is_quiet(|world| {
        plan_changes(world);
        let mut change = |at, who, name| {
            let mut call = Call::new("PUT", "/orders/{orderId}").id(order(who, 0));
            call.fields = sent(&["note", name], &["note", "status"]);
            world.plan(at, Who::user(who), call);
        };
        change(DAY + 150, 8, "status");
        change(BEGIN, 7, "colour");
        change(BEGIN + 60, 7, "status");
    });
}

#[test]
fn a_checkout_without_paying_is_found() {
    let seconds = check("flow_violation", EVE, Severity::High, |world| {
        for n in 0..4 {
            world.plan(BEGIN + n * 40, EVE, Call::new("POST", "/cart/items"));
            world.plan(BEGIN + n * 40 + 10, EVE, Call::new("POST", "/checkout"));
        }
    });
    assert!(seconds <= 120, "{seconds}");
}

#[test]
fn coming_back_to_a_full_cart_is_left_alone() {
    is_quiet(|world| {
        // Paid, went away for an hour, and confirms then.
        world.plan(BEGIN, EVE, Call::new("POST", "/cart/items"));
        world.plan(BEGIN + 10, EVE, Call::new("POST", "/payments"));
        world.plan(BEGIN + HOUR, EVE, Call::new("POST", "/checkout"));
    });
}
