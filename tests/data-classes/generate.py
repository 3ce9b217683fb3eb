#!/usr/bin/env python3
"""Documents with fields of known classes, and decoys, as JSON.

Usage: generate.py SEED DOCUMENTS. Standard library only. Check digits are worked out here from the
registers' own descriptions, never from Tapline's tables. Prints one object:
{"truth": {"path": "class" or null}, "documents": [...]}. Names come in several styles and
languages, values in the forms that people write; some fields have names that say nothing.
"""

import base64
import datetime
import hashlib
import json
import random
import string
import sys
import uuid

rng = random.Random(int(sys.argv[1]))
COUNT = int(sys.argv[2])


def digits(n):
    return "".join(rng.choice(string.digits) for _ in range(n))


def upper(n):
    return "".join(rng.choice(string.ascii_uppercase) for _ in range(n))


def token(n, alphabet=string.ascii_letters + string.digits):
    return "".join(rng.choice(alphabet) for _ in range(n))


def luhn_digit(body):
    total = 0
    for i, c in enumerate(reversed(body)):
        d = int(c)
        if i % 2 == 0:
            d = d * 2 - 9 if d > 4 else d * 2
        total += d
    return str(-total % 10)


def retry(make):
    while True:
        made = make()
        if made is not None:
            return made


def day(first=1940, last=2005):
    start = datetime.date(first, 1, 1).toordinal()
    return datetime.date.fromordinal(rng.randint(start, datetime.date(last, 12, 31).toordinal()))


# --- classes -------------------------------------------------------------------------------------

def card():
    start, length = rng.choice([("4", 16), ("51", 16), ("55", 16), ("2231", 16), ("37", 15), ("34", 15),
                                ("6011", 16), ("3530", 16), ("36", 14), ("62", 16), ("65", 16)])
    body = start + digits(length - 1 - len(start))
    number = body + luhn_digit(body)
    if length == 16 and rng.random() < 0.3:
        return (" " if rng.random() < 0.5 else "-").join(number[i:i + 4] for i in range(0, 16, 4))
    return number


def iban():
    country, make = rng.choice([
        ("DE", lambda: digits(18)), ("GB", lambda: upper(4) + digits(14)), ("FR", lambda: digits(23)),
        ("ES", lambda: digits(20)), ("NL", lambda: upper(4) + digits(10)), ("NO", lambda: digits(11)),
        ("PL", lambda: digits(24)), ("IT", lambda: upper(1) + digits(22)), ("CH", lambda: digits(17)),
    ])
    bban = make()
    value = int("".join(str(int(c, 36)) for c in bban + country + "00"))
    number = f"{country}{98 - value % 97:02d}{bban}"
    return " ".join(number[i:i + 4] for i in range(0, len(number), 4)) if rng.random() < 0.3 else number


def ssn():
    area = retry(lambda: (lambda a: a if a != 666 else None)(rng.randint(1, 899)))
    return f"{area:03d}-{rng.randint(1, 99):02d}-{rng.randint(1, 9999):04d}"


def nino():
    def make():
        start = rng.choice("ABCEGHJKLMNOPRSTWXYZ") + rng.choice("ABCEGHJKLMNPRSTWXYZ")
        if start in ("BG", "GB", "NK", "KN", "TN", "NT", "ZZ"):
            return None
        return start + digits(6) + rng.choice("ABCD")
    number = retry(make)
    return f"{number[:2]} {number[2:4]} {number[4:6]} {number[6:8]} {number[8]}" if rng.random() < 0.4 else number


def nhs():
    def make():
        body = digits(9)
        check = 11 - sum(int(c) * (10 - i) for i, c in enumerate(body)) % 11
        return None if check == 10 else body + str(check % 11)
    number = retry(make)
    return f"{number[:3]} {number[3:6]} {number[6:]}" if rng.random() < 0.5 else number


def nir():
    born = day()
    body = f"{rng.choice('12')}{born:%y%m}{rng.randint(1, 95):02d}{digits(3)}{rng.randint(1, 999):03d}"
    return f"{body}{97 - int(body) % 97:02d}"


def dni():
    n = rng.randint(1_000_000, 99_999_999)
    return f"{n:08d}{'TRWAGMYFPDXBNJZSQVHLCKE'[n % 23]}"


def nie():
    first = rng.choice("XYZ")
    rest = digits(7)
    return f"{first}{rest}{'TRWAGMYFPDXBNJZSQVHLCKE'[int(str('XYZ'.index(first)) + rest) % 23]}"


def codice_fiscale():
    odd = {c: v for c, v in zip(string.digits, [1, 0, 5, 7, 9, 13, 15, 17, 19, 21])}
    odd.update({c: v for c, v in zip(string.ascii_uppercase, [
        1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23])})
    born = day()
    consonants = "".join(rng.choice("BCDFGLMNPRSTVZ") for _ in range(6))
    number = day_of = born.day + rng.choice([0, 40])
    body = f"{consonants}{born:%y}{'ABCDEHLMPRST'[born.month - 1]}{day_of:02d}{rng.choice('ABCDEFGHIL')}{digits(3)}"
    total = sum(odd[c] if i % 2 == 0 else int(c, 36) if c.isdigit() else ord(c) - 65 for i, c in enumerate(body))
    return body + string.ascii_uppercase[total % 26]


def bsn():
    def make():
        body = str(rng.randint(1, 9)) + digits(7)
        rest = sum(int(c) * (9 - i) for i, c in enumerate(body)) % 11
        return None if rest == 10 else body + str(rest)
    return retry(make)


def pesel():
    born = day(1930, 2005)
    month = born.month + (20 if born.year >= 2000 else 0)
    body = f"{born:%y}{month:02d}{born:%d}{digits(4)}"
    return body + str(-sum(int(c) * w for c, w in zip(body, [1, 3, 7, 9] * 3)) % 10)


def german_tax_id():
    places = list(string.digits)
    rng.shuffle(places)
    dropped = places.pop()
    places.insert(rng.randint(1, 8), rng.choice(places))
    if places[0] == "0":
        return german_tax_id()
    product = 10
    for c in places:
        s = (int(c) + product) % 10 or 10
        product = s * 2 % 11
    assert dropped not in places
    return "".join(places) + str((11 - product) % 10)


def cpf():
    body = digits(9)
    for size in (10, 11):
        rest = sum(int(c) * w for c, w in zip(body, range(size, 1, -1))) * 10 % 11
        body += str(rest % 10)
    return f"{body[:3]}.{body[3:6]}.{body[6:9]}-{body[9:]}" if rng.random() < 0.5 else body


def cnpj():
    body = digits(8) + "0001"
    for weights in ([5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2], [6, 5, 4, 3, 2, 9, 8, 7, 6, 5, 4, 3, 2]):
        rest = sum(int(c) * w for c, w in zip(body, weights)) % 11
        body += "0" if rest < 2 else str(11 - rest)
    return f"{body[:2]}.{body[2:5]}.{body[5:8]}/{body[8:12]}-{body[12:]}" if rng.random() < 0.5 else body


def aadhaar():
    d = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 2, 3, 4, 0, 6, 7, 8, 9, 5], [2, 3, 4, 0, 1, 7, 8, 9, 5, 6],
         [3, 4, 0, 1, 2, 8, 9, 5, 6, 7], [4, 0, 1, 2, 3, 9, 5, 6, 7, 8], [5, 9, 8, 7, 6, 0, 4, 3, 2, 1],
         [6, 5, 9, 8, 7, 1, 0, 4, 3, 2], [7, 6, 5, 9, 8, 2, 1, 0, 4, 3], [8, 7, 6, 5, 9, 3, 2, 1, 0, 4],
         [9, 8, 7, 6, 5, 4, 3, 2, 1, 0]]
    p = [[0, 1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 5, 7, 6, 2, 8, 3, 0, 9, 4], [5, 8, 0, 3, 7, 9, 6, 1, 4, 2],
         [8, 9, 1, 6, 0, 4, 3, 5, 2, 7], [9, 4, 5, 3, 1, 2, 6, 8, 7, 0], [4, 2, 8, 6, 5, 7, 3, 9, 0, 1],
         [2, 7, 9, 3, 8, 0, 6, 4, 1, 5], [7, 0, 4, 6, 9, 1, 3, 2, 5, 8]]
    body = rng.choice("23456789") + digits(10)
    for check in range(10):
        c = 0
        for i, ch in enumerate(reversed(body + str(check))):
            c = d[c][p[i % 8][int(ch)]]
        if c == 0:
            number = body + str(check)
    return f"{number[:4]} {number[4:8]} {number[8:]}" if rng.random() < 0.5 else number


def indian_pan():
    return f"{upper(3)}{rng.choice('PCHFATBLJG')}{upper(1)}{rng.randint(1, 9999):04d}{upper(1)}"


def personnummer():
    body = f"{day():%y%m%d}{rng.randint(1, 999):03d}"
    body += luhn_digit(body)
    return f"{body[:6]}-{body[6:]}"


def hetu():
    born = day()
    serial = rng.randint(2, 899)
    check = "0123456789ABCDEFHJKLMNPRSTUVWXY"[int(f"{born:%d%m%y}{serial:03d}") % 31]
    return f"{born:%d%m%y}{'A' if born.year >= 2000 else '-'}{serial:03d}{check}"


def fnr():
    def make():
        body = f"{day():%d%m%y}{rng.randint(0, 499):03d}"
        one = -sum(int(c) * w for c, w in zip(body, [3, 7, 6, 1, 8, 9, 4, 5, 2])) % 11
        two = -sum(int(c) * w for c, w in zip(body + str(one % 10), [5, 4, 3, 2, 7, 6, 5, 4, 3, 2])) % 11
        return None if 10 in (one, two) else f"{body}{one}{two}"
    return retry(make)


FIRST = ("Olivia Noah Emma Liam Ava Oliver Sophia Elijah Lukas Hannah Søren Chloé José María Giulia Luca Anna Piotr "
         "Ingrid Lars Yuki Wei Priya Fatima Omar Sean Nadia Björn Zoë Amélie Heinz Ute").split()
LAST = ("Smith Johnson Müller Schmidt Dubois Lefèvre García Fernández Rossi Bianchi Silva Santos Jansen de_Vries "
        "Kowalski Nowak Hansen Lindqvist Virtanen O'Connor McDonald Tanaka Patel Khan Okafor Smith-Jones").split()


def first():
    return rng.choice(FIRST)


def last():
    return rng.choice(LAST).replace("_", " ")


def full():
    return f"{first()} {last()}"


def email():
    domain = rng.choice(["example.com", "mail.example.org", "uni-test.de", "firma.fr", "corp.co.uk", "box.io"])
    local = rng.choice([f"{token(6).lower()}", f"{token(4).lower()}.{token(6).lower()}", f"u{digits(4)}+tag"])
    return f"{local}@{domain}"


def intl_phone():
    code, n = rng.choice([("1", 10), ("44", 10), ("49", 11), ("33", 9), ("91", 10), ("81", 10), ("55", 11)])
    number = rng.choice("23456789") + digits(n - 1)
    if rng.random() < 0.4:
        return f"+{code} {number[:3]} {number[3:6]} {number[6:]}"
    return f"+{code}{number}"


def local_phone():
    return rng.choice([
        lambda: f"({rng.randint(200, 999)}) {digits(3)}-{digits(4)}", lambda: f"{rng.randint(200, 999)}-{digits(3)}-{digits(4)}",
        lambda: f"0{digits(3)} {digits(7)}", lambda: f"0{digits(9)}", lambda: f"{rng.randint(200, 999)}.{digits(3)}.{digits(4)}x{digits(3)}",
    ])()


def street():
    n = rng.randint(1, 2400)
    name = rng.choice("Oak Maple Elm High Church Station King Queen Park Mill Spring".split())
    return rng.choice([
        lambda: f"{n} {name} {rng.choice(['Street', 'Ave', 'Rd.', 'Lane', 'Blvd'])}", lambda: f"{name}straße {n % 200}",
        lambda: f"{n % 300} rue de {name}", lambda: f"Calle {name}, {n % 200}", lambda: f"Via {name} {n % 90}",
        lambda: f"{n} {name} Street, Apt. {n % 40}",
    ])()


def postcode():
    return rng.choice([lambda: digits(5), lambda: f"{upper(2)}{digits(1)} {digits(1)}{upper(2)}",
                       lambda: f"{digits(5)}-{digits(4)}", lambda: f"{digits(4)} {upper(2)}"])()


def jwt():
    part = lambda value: base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()
    return f"{part({'alg': 'HS256', 'typ': 'JWT'})}.{part({'sub': token(8), 'n': rng.random()})}.{token(43)}"


def api_key():
    return rng.choice([
        lambda: "ghp_" + token(36), lambda: "AKIA" + token(16, string.ascii_uppercase + "234567"),
        lambda: "sk_live_" + token(24), lambda: f"xoxb-{digits(12)}-{digits(12)}-{token(24)}", lambda: "AIza" + token(35),
        lambda: "glpat-" + token(20), lambda: f"SG.{token(22)}.{token(43)}", lambda: "npm_" + token(36),
    ])()


def password():
    word = rng.choice(["Summer", "dragon", "Tr0ub4dor", "hunter", "correct-horse"])
    return f"{word}{digits(rng.randint(1, 4))}{rng.choice('!?#$')}"


def private_key():
    kind = rng.choice(["RSA ", "EC ", ""])
    return f"-----BEGIN {kind}PRIVATE KEY-----\n{token(64)}\n{token(64)}\n-----END {kind}PRIVATE KEY-----\n"


def icd():
    return f"{rng.choice('ABCDEFGHIJKLMNOPQRSTZ')}{digits(2)}{rng.choice(['', '.' + digits(1), '.' + digits(2)])}"


def routing():
    body = rng.choice(["01", "02", "03", "06", "11", "12", "26", "31"]) + digits(6)
    return body + str(-sum(int(c) * w for c, w in zip(body, [3, 7, 1, 3, 7, 1, 3, 7])) % 10)


def bic():
    return upper(4) + rng.choice(["DE", "FR", "GB", "US", "NL", "ES"]) + rng.choice(["FF", "2L", "33", "MM"]) + rng.choice(["", "XXX", "500"])


def expiry():
    return rng.choice(["%02d/%02d", "%02d/20%02d"]) % (rng.randint(1, 12), rng.randint(26, 34))


def track():
    c = retry(lambda: (lambda n: n if n.isdigit() else None)(card()))
    return rng.choice([f";{c}=2709{digits(12)}?", f"%B{c}^{upper(6)}/{upper(4)}^2709{digits(12)}?"])


def mac():
    return ":".join(f"{rng.randint(0, 255):02x}" for _ in range(6))


def ip():
    if rng.random() < 0.2:
        return f"2001:db8:{rng.randint(0, 65535):x}::{rng.randint(1, 65535):x}"
    return ".".join(str(rng.randint(1, 254)) for _ in range(4))


def mrn():
    return rng.choice(["MRN", "", "P"]) + digits(8)


def passport():
    return rng.choice([lambda: digits(9), lambda: upper(1) + digits(8), lambda: upper(2) + digits(7)])()


# class: (maker, names that say it, whether it is known without a name)
CLASSES = {
    "card_number": (card, ["cardNumber", "card_number", "payment.card.number", "PAN", "cc-number", "creditCardNumber", "kartennummer", "numero_carte", "numeroTarjeta"], True),
    "card_verification": (lambda: digits(rng.choice([3, 3, 3, 4])), ["cvv", "card_cvc", "securityCode2.cvv2", "card.cvc", "cardVerificationValue", "Cvv"], False),
    "card_expiry": (expiry, ["cardExpiry", "card_expiration_date", "card.expiry_date", "cc_exp", "expiryDate.cardExpiryDate"], False),
    "track_data": (track, ["track2", "track_data", "magStripe"], True),
    "pin": (lambda: digits(4), ["cardPin", "card_pin", "atmPin"], False),
    "iban": (iban, ["iban", "bank.iban", "IBANNumber", "account_iban", "kontoIban"], True),
    "bic": (bic, ["bic", "swift_code", "swiftCode", "bank.bic"], True),
    "bank_account": (lambda: digits(rng.randint(8, 12)), ["bankAccountNumber", "account_number", "kontonummer", "bank.account.number", "numeroCuenta"], False),
    "routing_number": (routing, ["routingNumber", "routing_number", "aba-routing"], True),
    "us_ssn": (ssn, ["ssn", "socialSecurityNumber", "social_security_number", "userSSN"], True),
    "uk_nino": (nino, ["nino", "nationalInsuranceNumber", "national_insurance_no"], True),
    "uk_nhs": (nhs, ["nhsNumber", "nhs_no", "patient.nhs_number"], True),
    "fr_nir": (nir, ["nir", "numeroSecuriteSociale", "num_secu"], True),
    "es_dni": (dni, ["dni", "numero_dni", "documento.dni"], True),
    "es_nie": (nie, ["nie", "numeroNie"], True),
    "it_codice_fiscale": (codice_fiscale, ["codiceFiscale", "codice_fiscale", "cod-fisc"], True),
    "nl_bsn": (bsn, ["bsn", "burgerservicenummer"], True),
    "pl_pesel": (pesel, ["pesel", "numer_pesel"], True),
    "de_tax_id": (german_tax_id, ["steuerId", "steuer_id", "steueridentifikationsnummer"], True),
    "br_cpf": (cpf, ["cpf", "cliente.cpf", "numero_cpf"], True),
    "br_cnpj": (cnpj, ["cnpj", "empresa.cnpj"], True),
    "in_aadhaar": (aadhaar, ["aadhaar", "aadhaar_number", "aadhaarNo"], True),
    "in_pan": (indian_pan, ["panCard", "pan_number", "permanentAccountNumber"], True),
    "se_personnummer": (personnummer, ["personnummer", "kund.personnummer"], True),
    "fi_hetu": (hetu, ["hetu", "henkilotunnus", "henkilötunnus"], True),
    "no_fnr": (fnr, ["fodselsnummer", "fødselsnummer", "fnr"], True),
    "passport": (passport, ["passportNumber", "passport_no", "reisepassnummer", "traveller.passport"], False),
    "driving_licence": (lambda: upper(1) + digits(12), ["driverLicense", "driving_licence_number", "driversLicenseNumber"], False),
    "email": (email, ["email", "emailAddress", "contact.email", "e_mail", "user_email", "E-Mail", "courriel", "correoElectronico", "useremail"], True),
    "phone": (local_phone, ["phone", "phoneNumber", "mobile_phone", "tel", "telefonnummer", "telefono", "homePhone", "contact-phone", "téléphone"], False),
    "phone ": (intl_phone, ["mobile", "msisdn", "phone_e164", "Handynummer"], True),
    "person_name": (first, ["firstName", "first_name", "givenName", "vorname", "prénom", "nombre_completo", "middle-name", "FirstName", "firstname"], False),
    "person_name ": (last, ["lastName", "surname", "family_name", "nachname", "apellido", "cognome", "achternaam", "lname"], False),
    "person_name  ": (full, ["fullName", "customer.name", "cardholder_name", "patient_name", "accountHolder", "nomComplet", "user.name", "employee.full_name", "name"], False),
    "postal_address": (street, ["street", "address_line1", "addressLine1", "billing.address.line1", "streetAddress", "strasse", "direccion", "adresse", "shipping_address.street1"], True),
    "postcode": (postcode, ["zip", "postalCode", "post_code", "plz", "codePostal", "zipCode", "address.zip"], False),
    "date_of_birth": (lambda: day().strftime(rng.choice(["%Y-%m-%d", "%Y-%m-%d", "%d/%m/%Y"])), ["dob", "dateOfBirth", "birth_date", "birthday", "geburtsdatum", "dateNaissance", "fecha_nacimiento"], False),
    "gender": (lambda: rng.choice(["male", "female", "other", "M", "F"]), ["gender", "sex", "geschlecht"], False),
    "geo": (lambda: round(rng.uniform(-89, 89), 6), ["lat", "latitude", "location.lat", "geo_lat", "breitengrad"], False),
    "geo ": (lambda: round(rng.uniform(-179, 179), 6), ["lng", "longitude", "position.lon", "geoLng"], False),
    "geo  ": (lambda: f"{rng.uniform(-89, 89):.5f},{rng.uniform(-179, 179):.5f}", ["coordinates", "latLng", "gps"], True),
    "ip_address": (ip, ["ip", "clientIp", "ip_address", "remote_addr"], True),
    "mac_address": (mac, ["mac", "macAddress"], True),
    "username": (lambda: f"{rng.choice(FIRST).lower()}{digits(3)}", ["username", "user_name", "loginName", "benutzername"], False),
    "health": (icd, ["icd10", "diagnosisCode", "diagnosis_code", "diagnosis", "diagnoses[].code", "icd_code"], False),
    "health ": (mrn, ["mrn", "medicalRecordNumber", "medical_record_no"], False),
    "health  ": (lambda: rng.choice(["A+", "B-", "0+", "AB+", "O-", "A-"]), ["bloodType", "blood_group"], False),
    "password": (password, ["password", "passwd", "userPassword", "new_password", "kennwort", "motDePasse", "contraseña"], False),
    "password ": (lambda: "$2b$12$" + token(53), ["passwordHash", "password_hash"], True),
    "secret": (lambda: token(32), ["clientSecret", "client_secret", "secretKey", "webhook_secret"], False),
    "secret ": (lambda: f"postgres://{token(5).lower()}:{token(10)}@db.{token(4).lower()}.internal:5432/app", ["databaseUrl", "connection_string"], True),
    "api_key": (api_key, ["apiKey", "api_key", "x-api-key", "accessKeyId"], True),
    "jwt": (jwt, ["jwt", "idToken", "access_token", "accessToken", "token"], True),
    "access_token": (lambda: token(40), ["refreshToken", "refresh_token", "accessTokenOpaque.access_token", "authToken"], False),
    "private_key": (private_key, ["privateKey", "private_key", "ssh_private_key"], True),
    "session_id": (lambda: token(26, string.ascii_lowercase + string.digits), ["sessionId", "session_id", "JSESSIONID", "sid"], False),
    "salary": (lambda: rng.randint(30, 200) * 1000, ["salary", "annualIncome", "gehalt"], False),
    "one_time_code": (lambda: digits(6), ["otp", "otpCode", "one_time_password"], False),
}


def imei():
    body = "35" + digits(12)
    return body + luhn_digit(body)


def ean():
    body = digits(12)
    return body + str(-sum(int(c) * (3 if i % 2 else 1) for i, c in enumerate(body)) % 10)


def ups():
    return "1Z" + token(16, string.ascii_uppercase + string.digits)


def s10():
    body = digits(8)
    rest = 11 - sum(int(c) * w for c, w in zip(body, [8, 6, 4, 2, 3, 5, 9, 7])) % 11
    return f"{rng.choice(['RR', 'CP', 'EE'])}{body}{0 if rest == 10 else 5 if rest == 11 else rest}{rng.choice(['DE', 'US', 'GB'])}"


serial = [rng.randint(10**8, 9 * 10**8), rng.randint(4 * 10**15, 5 * 10**15), rng.randint(10**10, 10**11)]


def step(which):
    serial[which] += rng.randint(1, 3)
    return serial[which]


CONSTANT = bsn()
NOW = 1_764_000_000
DECOYS = {
    "createdAt": lambda: NOW * 1000 + rng.randint(0, 10**10), "ts": lambda: str(NOW * 1000 + rng.randint(0, 10**10)),
    "updated": lambda: NOW + rng.randint(0, 10**7), "timestampMicros": lambda: NOW * 10**6 + rng.randint(0, 10**13),
    "orderNumber": lambda: digits(16), "order_no": lambda: digits(9), "orderId": lambda: digits(11), "order.number": lambda: digits(10),
    "order_ref": lambda: f"{digits(3)}-{digits(7)}-{digits(7)}", "bestellnummer": lambda: digits(12), "po": lambda: f"{digits(3)}-{digits(2)}-{digits(4)}X",
    "imei": imei, "device.imei": imei, "deviceSerial": imei, "handset": imei,
    "ean": ean, "gtin13": ean, "barcode": ean, "article": ean, "isbn": lambda: "978" + digits(10),
    "tracking": ups, "trackingNumber": lambda: digits(12), "tracking_no": lambda: digits(22), "shipment.tracking": s10,
    "parcel": lambda: digits(20), "awb": lambda: digits(11), "waybill_number": lambda: digits(10),
    "id": lambda: str(uuid.UUID(int=rng.getrandbits(128), version=4)), "guid": lambda: "{%s}" % str(uuid.UUID(int=rng.getrandbits(128), version=4)).upper(),
    "requestId": lambda: uuid.UUID(int=rng.getrandbits(128), version=4).hex, "traceId": lambda: token(32, "0123456789abcdef"),
    "customerId": lambda: step(0), "accountId": lambda: step(1), "userId": lambda: step(2), "sequence": lambda: str(step(0)),
    "num9": lambda: digits(9), "num10": lambda: digits(10), "num11": lambda: digits(11), "num12": lambda: digits(12), "num13": lambda: digits(13),
    "num14": lambda: digits(14), "num15": lambda: digits(15), "num16": lambda: digits(16), "num18": lambda: digits(18), "big": lambda: rng.randint(10**15, 10**16),
    "value16": lambda: "4" + digits(15), "merchantCode": lambda: CONSTANT, "etag": lambda: token(40, "0123456789abcdef"),
    "sha256": lambda: hashlib.sha256(token(8).encode()).hexdigest(), "commit": lambda: token(40, "0123456789abcdef"),
    "sku": lambda: f"{upper(3)}-{digits(5)}", "ref": lambda: f"INV-2026-{digits(6)}", "flight": lambda: f"{upper(2)}{digits(3)}",
    "productName": lambda: f"{rng.choice(['Blue', 'Red', 'Large'])} {rng.choice(['Chair', 'Table', 'Lamp', 'Mug'])}", "product.name": lambda: f"{rng.choice(['Oak', 'Steel'])} {rng.choice(['Desk', 'Shelf'])}",
    "company.name": lambda: f"{rng.choice(['Acme', 'Globex', 'Initech'])} {rng.choice(['GmbH', 'Inc', 'Ltd'])}", "fileName": lambda: f"{token(8).lower()}.pdf",
    "hostname": lambda: f"node{digits(2)}.cluster.local", "title": lambda: f"{rng.choice(['How', 'Why', 'When'])} we {rng.choice(['ship', 'test'])} things",
    "description": lambda: " ".join(rng.choice("the quick brown fox jumps over a lazy dog near 12 rivers".split()) for _ in range(12)),
    "status": lambda: rng.choice(["ACTIVE", "PENDING", "CLOSED"]), "type": lambda: rng.choice(["CHECKING", "SAVINGS0", "PURCHASE", "REFUNDED"]),
    "currency": lambda: rng.choice(["EUR", "USD", "GBP"]), "country": lambda: rng.choice(["DE", "FR", "US"]), "locale": lambda: rng.choice(["en-US", "de-DE"]),
    "emailVerified": lambda: rng.random() < 0.5, "has_phone": lambda: rng.random() < 0.5, "password_changed_at": lambda: day(2020, 2026).isoformat() + "T10:00:00Z",
    "cardType": lambda: rng.choice(["VISA", "MASTERCARD", "AMEX"]), "card.last4": lambda: digits(4), "cardBrand": lambda: rng.choice(["visa", "amex"]),
    "maskedCard": lambda: "************" + digits(4), "maskedSsn": lambda: "***-**-" + digits(4), "tokenType": lambda: "Bearer", "nextPageToken": lambda: token(24),
    "version": lambda: f"{rng.randint(1, 9)}.{rng.randint(0, 30)}.{rng.randint(0, 9)}.{rng.randint(0, 99)}", "build": lambda: f"2026.{rng.randint(1, 12)}.{rng.randint(1, 28)}.{rng.randint(1, 9)}",
    "price": lambda: round(rng.uniform(1, 900), 2), "amount": lambda: rng.randint(100, 10**6), "quantity": lambda: rng.randint(1, 99), "score": lambda: round(rng.uniform(-1, 1), 6),
    "weight": lambda: round(rng.uniform(0, 90), 4), "rating": lambda: round(rng.uniform(0, 5), 1), "year": lambda: rng.randint(1990, 2026), "eventDate": lambda: day(2020, 2026).isoformat(),
    "expiresAt": lambda: day(2026, 2030).isoformat(), "url": lambda: f"https://example.com/p/{digits(8)}", "avatar": lambda: f"https://cdn.example.com/{token(12)}@2x.png",
    "color": lambda: "#" + token(6, "0123456789abcdef"), "vin": lambda: token(17, "ABCDEFGHJKLMNPRSTUVWXYZ0123456789"), "ulid": lambda: token(26, "0123456789ABCDEFGHJKMNPQRSTVWXYZ"),
    "objectId": lambda: token(24, "0123456789abcdef"), "code": lambda: upper(4) + digits(2), "seat": lambda: f"{digits(2)}{upper(1)}", "gate": lambda: f"{upper(1)}{digits(2)}",
    "room.number": lambda: digits(3), "phoneModel": lambda: f"Pixel {rng.randint(4, 9)}", "ipVersion": lambda: rng.choice(["4", "6"]), "key": lambda: rng.choice(["alpha", "beta", "gamma"]),
    "category.name": lambda: rng.choice(["Garden", "Toys", "Books"]), "state": lambda: rng.choice(["CA", "NY", "open"]), "label": lambda: f"{upper(1)}{token(7).lower()}",
}

NEUTRAL = ["value{}", "data.f{}", "x{}", "attr_{}", "field{}", "payload.p{}", "extra.k{}"]


def main():
    truth, makers = {}, {}
    for name, (make, names, proves) in CLASSES.items():
        chosen = rng.sample(names, min(3, len(names)))
        if proves:
            chosen.append(rng.choice(NEUTRAL).format(len(makers)))
        for path in chosen:
            path = f"part{len(makers) // 15}.g{len(makers)}.{path}"
            truth[path], makers[path] = name.strip(), make
    for path, make in DECOYS.items():
        path = f"part{len(makers) // 15}.g{len(makers)}.{path}"
        truth[path], makers[path] = None, make
    documents = []
    for _ in range(COUNT):
        document = {}
        for path, make in makers.items():
            if rng.random() < 0.03:
                continue
            put(document, path.split("."), make())
        documents.append(document)
    json.dump({"truth": truth, "documents": documents}, sys.stdout)


def put(place, names, value):
    name = names[0]
    if len(names) == 1:
        place[name] = value
    elif name.endswith("[]"):
        place[name[:-2]] = [put_new(names[1:], value)]
    else:
        put(place.setdefault(name, {}), names[1:], value)


def put_new(names, value):
    made = {}
    put(made, names, value)
    return made


main()
