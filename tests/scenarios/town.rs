//! The API and its honest people.

use std::net::Ipv4Addr;

use super::stage::{Call, Client, Stage};

/// People with a place of their own, and those of the office behind one address.
const PEOPLE: u64 = 400;
const OFFICE: u64 = 150;
const BROWSERS: u64 = 12;

/// What the town's traffic is recorded in.
#[derive(Debug)]
pub(super) struct Town {
    pub(super) stage: Stage,
    /// Seconds since it began.
    pub(super) now: u64,
}

impl Town {
    /// A town that has lived for so many minutes.
    pub(super) fn living(seed: u64, minutes: u64) -> Self {
        let mut town = Self { stage: Stage::new("shop.example", seed), now: 0 };
        for second in 0..minutes * 60 {
            town.now = second;
            town.live();
        }
        town
    }

    /// So many seconds more, with somebody else about; `act` gets the second.
    pub(super) fn live_on(&mut self, seconds: u64, mut act: impl FnMut(&mut Self, u64)) {
        for second in 0..seconds {
            self.now += 1;
            self.live();
            act(self, second);
        }
    }

    /// One second of honest life.
    fn live(&mut self) {
        if self.now.is_multiple_of(2) {
            let person = self.stage.dice.below(PEOPLE);
            self.visit(person, home(person));
        }
        // The office comes to work.
        if (600..1_200).contains(&self.now) && self.now.is_multiple_of(4) {
            let person = 10_000 + self.stage.dice.below(OFFICE);
            let client =
                Client { address: Ipv4Addr::new(198, 51, 100, 7), tool: person % BROWSERS };
            self.visit(person, client);
        }
        // A program that nobody told of the new password.
        if self.now % 10 == 3 {
            let client = Client { address: Ipv4Addr::new(10, 9, 9, 9), tool: 50 };
            self.log_in("printer", "old", client, false);
        }
        // A partner's nightly batch, and its polling with basic credentials.
        if self.now % 3 == 1 {
            let client = Client { address: Ipv4Addr::new(10, 8, 8, 8), tool: 51 };
            let head = "Authorization: Basic cGFydG5lcjpzZWNyZXQ=\r\n";
            let path = format!("/api/partner/orders/{}", 70_000 + self.stage.dice.below(900));
            let answer = r#"{"id":1,"state":"open"}"#.to_owned();
            self.call(client, &Call::get(&path, head, answer));
        }
        if self.now % 60 == 30 {
            self.sign_up_somebody();
        }
        if self.now % 90 == 45 {
            self.forget_somebody();
        }
    }

    /// Somebody logs in, perhaps not at once, and does something.
    fn visit(&mut self, person: u64, client: Client) {
        let name = format!("person{person}");
        let wrong = match self.stage.dice.below(40) {
            0..4 => 1,
            4 => 3,
            _ => 0,
        };
        for slip in 0..wrong {
            self.log_in(&name, &format!("wrong{slip}-{person}"), client, false);
        }
        self.log_in(&name, &format!("right{person}"), client, true);
        if self.stage.dice.below(4) == 0 {
            let slips = u64::from(self.stage.dice.below(8) == 0);
            for _ in 0..slips {
                let guess = self.stage.dice.below(1_000_000);
                self.verify(&name, guess, client, false);
            }
            let code = self.stage.dice.below(1_000_000);
            self.verify(&name, code, client, true);
        }
        // On the way the telephone meets another network.
        let client = if person % 10 == 1 { elsewhere(person) } else { client };
        self.order(person, client);
        if self.stage.dice.below(10) == 0 {
            let is_good = self.stage.dice.below(3) > 0;
            let code = format!("SALE{}", self.stage.dice.below(30));
            self.redeem(&code, client, is_good);
        }
        if self.stage.dice.below(12) == 0 {
            let is_good = self.stage.dice.below(8) > 0;
            self.pay(person, client, is_good);
        }
    }

    /// Somebody who has logged in looks at an order.
    pub(super) fn order(&mut self, person: u64, client: Client) {
        let head = format!("Authorization: Bearer session-of-person-{person}\r\n");
        let path = format!("/api/orders/{}", 1_000 + person);
        let answer = format!(r#"{{"id":{},"total":12}}"#, 1_000 + person);
        self.call(client, &Call::get(&path, &head, answer));
    }

    pub(super) fn log_in(&mut self, name: &str, password: &str, client: Client, is_good: bool) {
        let sent = format!(r#"{{"username":"{name}","password":"{password}"}}"#);
        let (status, answer) = if is_good {
            (200, format!(r#"{{"access_token":"token-for-{name}-{}","expires":3600}}"#, self.now))
        } else {
            (200, r#"{"result":"wrong name or password","expires":0}"#.to_owned())
        };
        self.call(client, &Call::post("/api/login", sent, status, answer));
    }

    pub(super) fn verify(&mut self, name: &str, code: u64, client: Client, is_good: bool) {
        let sent = format!(r#"{{"username":"{name}","otp":"{code:06}"}}"#);
        let (status, answer) = if is_good { (200, "true") } else { (403, "false") };
        let answer = format!(r#"{{"ok":{answer}}}"#);
        self.call(client, &Call::post("/api/otp/verify", sent, status, answer));
    }

    pub(super) fn redeem(&mut self, code: &str, client: Client, is_good: bool) {
        let sent = format!(r#"{{"coupon_code":"{code}"}}"#);
        let (status, answer) =
            if is_good { (200, r#"{"discount":10}"#) } else { (404, r#"{"error":"unknown"}"#) };
        self.call(client, &Call::post("/api/cart/coupon", sent, status, answer.to_owned()));
    }

    pub(super) fn pay(&mut self, card: u64, client: Client, is_good: bool) {
        let sent = format!(r#"{{"card_number":"{}","amount":12}}"#, card_number(card));
        let (status, answer) = if is_good {
            (201, r#"{"status":"approved"}"#)
        } else {
            (200, r#"{"status":"declined"}"#)
        };
        self.call(client, &Call::post("/api/payments", sent, status, answer.to_owned()));
    }

    pub(super) fn sign_up(&mut self, name: &str, client: Client) {
        let sent = format!(r#"{{"email":"{name}@mail.example","password":"pw-{name}"}}"#);
        let answer = format!(r#"{{"id":{}}}"#, self.stage.dice.below(100_000));
        self.call(client, &Call::post("/api/register", sent, 201, answer));
    }

    pub(super) fn forget(&mut self, name: &str, client: Client, exists: bool) {
        let sent = format!(r#"{{"email":"{name}@mail.example"}}"#);
        let (status, answer) = if exists {
            (200, r#"{"message":"a mail is on its way"}"#)
        } else {
            (404, r#"{"message":"nobody has that address"}"#)
        };
        self.call(client, &Call::post("/api/password/forgot", sent, status, answer.to_owned()));
    }

    fn sign_up_somebody(&mut self) {
        let person = 20_000 + self.now / 60 * 7;
        self.sign_up(&format!("new{person}"), home(person));
    }

    fn forget_somebody(&mut self) {
        let person = self.stage.dice.below(PEOPLE);
        let exists = self.stage.dice.below(5) > 0;
        self.forget(&format!("person{person}"), home(person), exists);
    }

    /// One exchange in the present second.
    pub(super) fn call(&mut self, client: Client, call: &Call<'_>) {
        self.stage.call(self.now, client, call);
    }
}

/// Where a person lives, and the browser.
pub(super) fn home(person: u64) -> Client {
    let [.., high, low] = person.to_be_bytes();
    Client { address: Ipv4Addr::new(100, 64 + high % 64, low, 10), tool: person % BROWSERS }
}

fn elsewhere(person: u64) -> Client {
    let [.., low] = person.to_be_bytes();
    Client { address: Ipv4Addr::new(172, 20, low, 20), ..home(person) }
}

/// A number that passes the check of Luhn.
fn card_number(card: u64) -> String {
    let body = format!("411111{:09}", card % 1_000_000_000);
    let sum: u32 = body
        .bytes()
        .rev()
        .zip(0..)
        .map(|(digit, place)| {
            let digit = u32::from(digit - b'0');
            let doubled = digit * 2;
            if place % 2 == 1 { digit } else { doubled / 10 + doubled % 10 }
        })
        .sum();
    format!("{body}{}", (10 - sum % 10) % 10)
}
