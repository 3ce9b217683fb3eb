//! An API with objects, roles and flows, and those who live from it: customers with orders of their
//! own, staff, a partner's nightly batch, a new version of the client.

use std::fmt::Write as _;
use std::net::Ipv4Addr;

use super::stage::{Call, Client, Stage};

const HOUR: u64 = 3_600;
/// Honest customers; attackers are customers behind these.
pub(super) const HONEST: u64 = 300;
/// Customers who do more than that, one for each attack.
pub(super) const CUSTOMERS: u64 = HONEST + 24;
const STAFF: u64 = 8;
const BROWSERS: u64 = 12;
const PRODUCTS: u64 = 900;
const PAGE: u64 = 20;
/// Orders of a customer that a list shows.
const LISTED: usize = 8;
/// Visits in an hour of the night, the morning, the day and the evening.
const VISITS: [u64; 4] = [15, 60, 110, 60];
/// When clients begin to send a field that they had not.
const RELEASE: u64 = 20 * HOUR;
/// What people look for: some of it reads like a language.
const WORDS: &[&str] = &[
    "red+shoes",
    "O%27Brien",
    "select+union+jacket",
    "drop+leaf+table",
    "rock+%26+roll",
    "1%2B1",
    "caf%C3%A9",
    "where+the+wild+things+are",
    "50%25+off",
    "C%2B%2B",
];

/// The market, and what it sold.
#[derive(Debug)]
pub(super) struct Market {
    pub(super) stage: Stage,
    /// By customer.
    orders: Vec<Vec<u64>>,
    next_order: u64,
}

impl Market {
    /// A market that has been open for so many hours, from midnight on.
    pub(super) fn open(seed: u64, hours: u64) -> Self {
        let mut market = Self {
            stage: Stage::new("market.example", seed),
            orders: vec![Vec::new(); usize::try_from(CUSTOMERS).unwrap()],
            next_order: 50_000,
        };
        for order in 0..CUSTOMERS * 4 {
            market.sell(order % CUSTOMERS);
        }
        for hour in 0..hours {
            market.live(hour);
        }
        market
    }

    /// One hour of everybody's life.
    pub(super) fn live(&mut self, hour: u64) {
        let from = hour * HOUR;
        let visits = VISITS[usize::try_from(hour % 24 / 6).unwrap()];
        for _ in 0..visits {
            let customer = self.stage.dice.below(CUSTOMERS);
            let at = from + self.stage.dice.below(HOUR - 300);
            self.visit(customer, at);
        }
        if (8..18).contains(&(hour % 24)) {
            for staff in 0..STAFF {
                self.work(staff, from);
            }
        }
        if hour % 24 == 2 {
            self.nightly(from);
        }
    }

    fn sell(&mut self, customer: u64) -> u64 {
        let order = self.next_order;
        self.next_order += 1;
        let orders = &mut self.orders[usize::try_from(customer).unwrap()];
        orders.push(order);
        if orders.len() > LISTED {
            orders.remove(0);
        }
        order
    }

    /// A customer looks at what it has, at what there is, and perhaps buys.
    pub(super) fn visit(&mut self, customer: u64, from: u64) {
        let (client, head) = (home(customer), token(customer));
        let mut at = from;
        let mut call = |stage: &mut Stage, call: &Call<'_>| {
            at += 2 + stage.dice.below(9);
            stage.call(at, client, call);
        };
        let stage = &mut self.stage;
        call(stage, &Call::get("/api/users/me", &head, profile(customer)));
        let mine = self.orders[usize::try_from(customer).unwrap()].clone();
        call(stage, &Call::get("/api/orders?limit=10", &head, list(&mine, order)));
        for _ in 0..2 + stage.dice.below(3) {
            let which = stage.dice.below(mine.len() as u64);
            let id = mine[usize::try_from(which).unwrap()];
            call(stage, &Call::get(&format!("/api/orders/{id}"), &head, order(id)));
        }
        let page = stage.dice.below(PRODUCTS / PAGE);
        let shown: Vec<u64> = (page * PAGE..(page + 1) * PAGE).collect();
        let path = format!("/api/products?limit={PAGE}&page={page}");
        call(stage, &Call::get(&path, &head, list(&shown, product)));
        for _ in 0..=stage.dice.below(3) {
            let id = page * PAGE + stage.dice.below(PAGE);
            call(stage, &Call::get(&format!("/api/products/{id}"), &head, product(id)));
        }
        if stage.dice.below(10) < 7 {
            let word = WORDS[usize::try_from(stage.dice.below(WORDS.len() as u64)).unwrap()];
            let path = format!("/api/search?q={word}");
            call(stage, &Call::get(&path, &head, list(&shown[..5], product)));
        }
        if stage.dice.below(10) < 6 {
            let city = stage.dice.below(40);
            let locale = if from >= RELEASE { r#","locale":"en-GB""# } else { "" };
            let sent = format!(r#"{{"name":"Customer {customer}","city":"City {city}"{locale}}}"#);
            call(stage, &put("/api/users/me", &head, sent, profile(customer)));
        }
        if stage.dice.below(10) < 2 {
            call(stage, &graph(&head, ORDERS_QUERY));
        }
        if stage.dice.below(6) == 0 {
            let contacts: Vec<u64> = (0..10).map(|place| customer * 10 + place).collect();
            call(stage, &Call::get("/api/contacts?limit=10", &head, list(&contacts, contact)));
        }
        if stage.dice.below(20) == 0 {
            call(stage, &upload(&head, &format!("receipt-{customer}.pdf")));
        }
        if stage.dice.below(30) == 0 {
            let url = format!("https://files.partner.example/list-{customer}.csv");
            call(stage, &import(&head, &url));
        }
        if stage.dice.below(10) < 6 {
            self.buy(customer, at + 5, true);
        }
    }

    /// The steps to an order; whoever knows how leaves one out.
    pub(super) fn buy(&mut self, customer: u64, from: u64, pays: bool) {
        let (client, head) = (home(customer), token(customer));
        let item = self.stage.dice.below(PRODUCTS);
        let done = || r#"{"ok":true}"#.to_owned();
        let steps = [
            ("/api/cart/items", format!(r#"{{"product_id":{item},"quantity":1}}"#), done()),
            ("/api/checkout/address", r#"{"street":"Main St 1","zip":"10115"}"#.to_owned(), done()),
            ("/api/checkout/payment", r#"{"method":"invoice"}"#.to_owned(), done()),
        ];
        let mut at = from;
        for (path, sent, answer) in steps {
            if pays || !path.ends_with("payment") {
                self.stage.call(at, client, &Call::post(path, sent, 200, answer).with_head(&head));
            }
            at += 3 + self.stage.dice.below(9);
        }
        let id = self.sell(customer);
        let call = Call::post("/api/orders", r#"{"confirm":true}"#.to_owned(), 201, order(id));
        self.stage.call(at, client, &call.with_head(&head));
    }

    /// An hour of somebody of the staff: looks at anybody's orders, and pays back.
    fn work(&mut self, staff: u64, from: u64) {
        let [.., low] = staff.to_be_bytes();
        let client = Client { address: Ipv4Addr::new(10, 1, 1, low), tool: 20 };
        let head = format!("Authorization: Bearer session-of-staff-{staff}\r\n");
        for _ in 0..6 {
            let at = from + self.stage.dice.below(HOUR - 60);
            let ids: Vec<u64> =
                (0..10).map(|_| 50_000 + self.stage.dice.below(self.next_order - 50_000)).collect();
            let call = Call::get("/api/admin/orders?state=open", &head, list(&ids, order));
            self.stage.call(at, client, &call);
            let id = ids[usize::try_from(self.stage.dice.below(10)).unwrap()];
            let path = format!("/api/admin/orders/{id}");
            self.stage.call(at + 8, client, &Call::get(&path, &head, order(id)));
            self.stage.call(at + 20, client, &refund(&head, id));
        }
    }

    /// A partner fetches what it sold, one order after the other, as every night.
    fn nightly(&mut self, from: u64) {
        let client = Client { address: Ipv4Addr::new(10, 8, 8, 8), tool: 51 };
        let head = "X-Api-Key: pk_partner_4242424242424242\r\n";
        let ids: Vec<u64> = (900_000..900_200).collect();
        self.stage.call(from, client, &Call::get("/api/partner/orders", head, list(&ids, order)));
        for (id, at) in ids.into_iter().zip(from + 2..) {
            let path = format!("/api/partner/orders/{id}");
            self.stage.call(at, client, &Call::get(&path, head, order(id)));
        }
    }
}

const ORDERS_QUERY: &str = "{ me { orders(first: 5) { items { product { name } } } } }";

pub(super) fn put<'a>(path: &'a str, head: &'a str, sent: String, answer: String) -> Call<'a> {
    Call { method: "PUT", ..Call::post(path, sent, 200, answer) }.with_head(head)
}

pub(super) fn graph<'a>(head: &'a str, query: &str) -> Call<'a> {
    let sent = format!(r#"{{"query":"{query}"}}"#);
    Call::post("/graphql", sent, 200, r#"{"data":{"me":{"orders":[]}}}"#.to_owned()).with_head(head)
}

pub(super) fn import<'a>(head: &'a str, url: &str) -> Call<'a> {
    let sent = format!(r#"{{"url":"{url}"}}"#);
    Call::post("/api/import", sent, 202, r#"{"job":7}"#.to_owned()).with_head(head)
}

pub(super) fn refund(head: &str, id: u64) -> Call<'_> {
    let sent = format!(r#"{{"order":{id},"reason":"late"}}"#);
    Call::post("/api/admin/refunds", sent, 201, r#"{"ok":true}"#.to_owned()).with_head(head)
}

pub(super) fn upload<'a>(head: &'a str, name: &str) -> Call<'a> {
    let sent = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{name}\"\r\n\
         Content-Type: application/pdf\r\n\r\n%PDF-1.4 nothing\r\n--edge--\r\n"
    );
    let call = Call::post("/api/uploads", sent, 201, r#"{"id":"u1"}"#.to_owned());
    Call { media: "multipart/form-data; boundary=edge", ..call }.with_head(head)
}

/// An array of what `of` says of each.
pub(super) fn list(ids: &[u64], of: impl Fn(u64) -> String) -> String {
    let mut text = String::from("[");
    for (place, &id) in ids.iter().enumerate() {
        write!(text, "{}{}", if place > 0 { "," } else { "" }, of(id)).unwrap();
    }
    text.push(']');
    text
}

pub(super) fn order(id: u64) -> String {
    format!(r#"{{"id":{id},"total":{},"state":"open"}}"#, 5 + id * 7 % 90)
}

pub(super) fn product(id: u64) -> String {
    format!(r#"{{"id":{id},"name":"Product {id}","price":{}}}"#, 3 + id * 13 % 200)
}

pub(super) fn contact(id: u64) -> String {
    format!(r#"{{"id":{id},"full_name":"Ann Miller","email":"friend{id}@mail.example"}}"#)
}

pub(super) fn profile(customer: u64) -> String {
    format!(
        r#"{{"id":{customer},"name":"Customer {customer}","email":"c{customer}@mail.example","role":"customer"}}"#
    )
}

/// Where a customer lives, and the browser; attackers live elsewhere.
pub(super) fn home(customer: u64) -> Client {
    let [.., high, low] = customer.to_be_bytes();
    let address = match customer.checked_sub(HONEST) {
        Some(attacker) => {
            let [.., place] = attacker.to_be_bytes();
            Ipv4Addr::new(203, 0, 113, place + 1)
        }
        None => Ipv4Addr::new(100, 64 + high, low, 10),
    };
    Client { address, tool: customer % BROWSERS }
}

/// The header by which a customer is known.
pub(super) fn token(customer: u64) -> String {
    format!("Authorization: Bearer session-of-customer-{customer}\r\n")
}
