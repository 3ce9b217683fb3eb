//! Those who do nothing wrong: customers with their own orders, support that reads everybody's, an
//! office behind one address, a crawler, a partner that takes everything, and administrators.

use crate::world::{Call, DAY, HOUR, Who, World, mix};

/// Customers.
pub(crate) const USERS: u64 = 600;
/// Orders that a customer begins with.
const ORDERS: u64 = 6;

pub(crate) const SUPPORT: [Who; 6] = [
    Who::user(9_001),
    Who::user(9_002),
    Who::user(9_003),
    Who::user(9_004),
    Who::user(9_005),
    Who::user(9_006),
];
pub(crate) const ADMINS: [Who; 3] = [Who::user(9_101), Who::user(9_102), Who::user(9_103)];
pub(crate) const PARTNER: Who = Who::user(9_201);
pub(crate) const CRAWLER: Who = Who::address(9_301, 1);
pub(crate) const OFFICE: Who = Who::address(9_302, 8);

/// An order of a customer; those next to it belong to others.
pub(crate) fn order(user: u64, turn: u64) -> u64 {
    50_000 + turn * USERS + user * 7 % USERS
}

/// How much of the traffic that takes everything there is: one in so many.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scale {
    /// Requests of the partner and the crawler in an hour.
    pub(crate) bulk: u64,
}

/// Plans a day of it.
pub(crate) fn plan_day(world: &mut World, day: u64, scale: Scale) {
    for user in 0..USERS {
        plan_customer(world, user, day);
    }
    for (turn, who) in SUPPORT.into_iter().enumerate() {
        plan_support(world, who, day * 8 + turn as u64, day * DAY);
    }
    for who in ADMINS {
        plan_admin(world, who, day);
    }
    for hour in 0..24 {
        plan_bulk(world, day * DAY + hour * HOUR, scale);
    }
}

/// A session or two: logs in, lists its orders, looks at some and at products, buys now and then.
fn plan_customer(world: &mut World, user: u64, day: u64) {
    let who = Who::user(user);
    for session in 0..=mix(user ^ day << 20) % 2 {
        let luck = mix(user << 32 ^ day << 8 ^ session);
        let mut at = day * DAY + luck % (DAY - 2 * HOUR);
        let mut then = |seconds: u64| {
            at += 1 + mix(luck ^ at) % seconds;
            at
        };
        let own = (0..ORDERS).map(|turn| order(user, turn));
        world.plan(then(5), who, Call::new("POST", "/login"));
        world.plan(then(10), who, Call::new("GET", "/orders").serving(own));
        for look in 0..2 + luck % 6 {
            let id = order(user, mix(luck ^ look) % ORDERS);
            world.plan(then(30), who, Call::new("GET", "/orders/{orderId}").id(id));
        }
        let shown = (0..20).map(|n| mix(luck ^ n) % 3_000);
        world.plan(then(20), who, Call::new("GET", "/products").serving(shown.clone()));
        for id in shown.take(usize::try_from(luck % 6).unwrap()) {
            world.plan(then(40), who, Call::new("GET", "/products/{productId}").id(id));
        }
        if luck.is_multiple_of(3) {
            for step in ["/cart/items", "/payments", "/checkout"] {
                world.plan(then(60), who, Call::new("POST", step));
            }
        }
    }
}

/// Eight hours of tickets, and of the orders that they are about.
pub(crate) fn plan_support(world: &mut World, who: Who, seed: u64, from: u64) {
    for hour in 8..16 {
        let mut at = from + hour * HOUR + mix(seed) % 600;
        world.plan(at, who, Call::new("GET", "/support/tickets").serving(seed..seed + 20));
        for ticket in 0..10 {
            let luck = mix(seed << 40 ^ hour << 20 ^ ticket ^ who.number << 8);
            at += 30 + luck % 200;
            world.plan(at, who, Call::new("GET", "/support/tickets/{ticketId}").id(seed + ticket));
            for look in 0..2 {
                let id = order(mix(luck ^ look) % USERS, luck % ORDERS);
                world.plan(at + 5 + look, who, Call::new("GET", "/orders/{orderId}").id(id));
            }
        }
    }
}

fn plan_admin(world: &mut World, who: Who, day: u64) {
    for turn in 0..24 {
        let at = day * DAY + 9 * HOUR + turn * 900 + mix(turn ^ who.number) % 300;
        world.plan(at, who, Call::new("GET", "/admin/users"));
        world.plan(at + 20, who, Call::new("GET", "/admin/audit"));
        let target = Call::new("DELETE", "/admin/users/{userId}").id(mix(at) % USERS);
        for again in 0..2 {
            world.plan(at + 40 + again, who, target.clone());
        }
    }
}

/// An hour of those who take everything.
fn plan_bulk(world: &mut World, from: u64, scale: Scale) {
    let every = |n: u64, of: u64| from + n * HOUR / of;
    for n in 0..scale.bulk {
        let luck = mix(from ^ n);
        let id = order(luck % USERS, luck / USERS % ORDERS);
        world.plan(every(n, scale.bulk), PARTNER, Call::new("GET", "/orders/{orderId}").id(id));
        let product = Call::new("GET", "/products/{productId}").id((from / HOUR * 977 + n) % 3_000);
        world.plan(every(n, scale.bulk), CRAWLER, product);
    }
    for n in 0..6 {
        world.plan(every(n, 6), PARTNER, Call::new("GET", "/partner/feed"));
        world.plan(every(n, 6) + 1, PARTNER, Call::new("GET", "/partner/status"));
    }
    for n in 0..250 {
        let product = Call::new("GET", "/products/{productId}").id(mix(from ^ n << 7) % 3_000);
        world.plan(every(n, 250), OFFICE, product);
    }
}
