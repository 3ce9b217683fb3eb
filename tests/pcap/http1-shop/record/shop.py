#!/usr/bin/env python3
"""The shop's application server, behind nginx: a small REST API with users, products, carts and
orders in memory. usage: shop.py PORT OUTAGE_FILE (orders fail with 503 while the file exists)"""
import base64
import hashlib
import hmac
import json
import os
import re
import sys
import time
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

PORT, OUTAGE = int(sys.argv[1]), sys.argv[2]
WORDS = "amber birch cobalt dune ember fern garnet hazel iris jade kelp linen maple nickel opal".split()
PRODUCTS = {
    1000 + n: {
        "id": 1000 + n,
        "sku": "SKU-%05d" % (n * 37),
        "name": f"{WORDS[n % 15]} {WORDS[(n * 7) % 15]}",
        "price": {"amount": round(4.99 + n * 1.37, 2), "currency": "EUR"},
        "tags": [WORDS[(n * 3) % 15], WORDS[(n * 5) % 15]],
        "in_stock": n % 4 != 0,
    }
    for n in range(120)
}
ORDERS, CARTS = {}, {}


def b64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def token(subject):
    head = b64(json.dumps({"alg": "HS256", "typ": "JWT"}).encode())
    body = b64(json.dumps({"sub": subject, "iat": int(time.time()), "exp": int(time.time()) + 3600}).encode())
    sign = hmac.new(b"shop", f"{head}.{body}".encode(), hashlib.sha256).digest()
    return f"{head}.{body}.{b64(sign)}"


class Shop(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def answer(self, status, body=None, headers=(), chunked=False):
        data = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        if body is not None:
            self.send_header("Content-Type", "application/json")
        if chunked:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for at in range(0, len(data), 700):
                part = data[at : at + 700]
                self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
            self.wfile.write(b"0\r\n\r\n")
            return
        if status not in (204, 304):
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def read(self):
        if self.headers.get("Transfer-Encoding", "").lower() == "chunked":
            data = b""
            while True:
                size = int(self.rfile.readline().split(b";")[0], 16)
                data += self.rfile.read(size)
                self.rfile.readline()
                if size == 0:
                    return data
        return self.rfile.read(int(self.headers.get("Content-Length", 0)))

    def subject(self):
        scheme, _, value = self.headers.get("Authorization", "").partition(" ")
        if scheme == "Bearer" and value.count(".") == 2:
            part = value.split(".")[1]
            return json.loads(base64.urlsafe_b64decode(part + "=" * (-len(part) % 4)))["sub"]
        return None

    def route(self):
        path, _, query = self.path.partition("?")
        body = self.read()
        method = "GET" if self.command == "HEAD" else self.command
        for verb, pattern, handler in ROUTES:
            found = re.fullmatch(pattern, path)
            if found and verb == method:
                return handler(self, query, body, *found.groups())
        if any(re.fullmatch(pattern, path) for _, pattern, _ in ROUTES):
            return self.answer(405, {"error": "method not allowed"})
        return self.answer(404, {"error": "not found"})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = route

    def login(self, query, body):
        form = json.loads(body or b"{}")
        if form.get("password") != "correct horse":
            return self.answer(401, {"error": "invalid credentials"})
        self.answer(200, {"access_token": token(form["user"]), "token_type": "Bearer", "expires_in": 3600})

    def products(self, query, body):
        page = int((re.search(r"page=(\d+)", query) or [0, "0"])[1])
        rows = list(PRODUCTS.values())[page * 8 : page * 8 + 8]
        self.answer(200, {"data": rows, "page": page, "total": len(PRODUCTS)}, chunked=True)

    def product(self, query, body, number):
        found = PRODUCTS.get(int(number))
        self.answer(200, found) if found else self.answer(404, {"error": "no such product"})

    def reviews(self, query, body, number):
        n = int(number)
        rows = [{"author": WORDS[(n + k) % 15], "stars": (n + k) % 5 + 1, "text": " ".join(WORDS[k:])} for k in range(4)]
        self.answer(200, {"data": rows})

    def search(self, query, body):
        self.answer(200, {"hits": [{"id": p, "score": 0.9} for p in list(PRODUCTS)[:5]], "took_ms": 3})

    def me(self, query, body):
        who = self.subject()
        if not who:
            return self.answer(401, {"error": "unauthenticated"})
        self.answer(200, {"id": who, "name": who.title(), "email": f"{who}@customers.example", "loyalty": {"points": 120}})

    def make_cart(self, query, body):
        cart = str(uuid.uuid4())
        CARTS[cart] = []
        self.answer(201, {"id": cart, "items": []}, [("Location", f"/api/v1/carts/{cart}")])

    def put_item(self, query, body, cart):
        item = json.loads(body)
        CARTS.setdefault(cart, []).append(item)
        self.answer(200, {"id": cart, "items": CARTS[cart]})

    def drop_cart(self, query, body, cart):
        CARTS.pop(cart, None)
        self.answer(204)

    def make_order(self, query, body):
        if not self.subject():
            return self.answer(401, {"error": "unauthenticated"})
        if os.path.exists(OUTAGE):
            return self.answer(503, {"error": "payment provider unavailable"}, [("Retry-After", "30")])
        number = 70000 + len(ORDERS)
        ORDERS[number] = dict(json.loads(body), id=number, state="paid")
        self.answer(201, {"id": number, "state": "paid"}, [("Location", f"/api/v1/orders/{number}")])

    def order(self, query, body, number):
        if not self.subject():
            return self.answer(401, {"error": "unauthenticated"})
        found = ORDERS.get(int(number))
        self.answer(200, found) if found else self.answer(404, {"error": "no such order"})

    def patch_order(self, query, body, number):
        if not self.subject():
            return self.answer(401, {"error": "unauthenticated"})
        self.answer(200, {"id": int(number), "state": "cancelled"})

    def report(self, query, body, day):
        if not self.headers.get("Authorization", "").startswith("Basic "):
            return self.answer(401, {"error": "unauthenticated"}, [("WWW-Authenticate", 'Basic realm="ops"')])
        self.answer(200, {"day": day, "orders": len(ORDERS), "revenue": {"amount": 1234.5, "currency": "EUR"}})

    def stock(self, query, body, sku):
        self.answer(200, {"sku": sku, "on_hand": 12, "warehouse": "north"})


ROUTES = [
    ("POST", r"/api/v1/login", Shop.login),
    ("GET", r"/api/v1/products", Shop.products),
    ("GET", r"/api/v1/products/(\d+)", Shop.product),
    ("GET", r"/api/v1/products/(\d+)/reviews", Shop.reviews),
    ("GET", r"/api/v2/search", Shop.search),
    ("GET", r"/api/v1/users/me", Shop.me),
    ("POST", r"/api/v1/carts", Shop.make_cart),
    ("PUT", r"/api/v1/carts/([0-9a-f-]{36})/items", Shop.put_item),
    ("DELETE", r"/api/v1/carts/([0-9a-f-]{36})", Shop.drop_cart),
    ("POST", r"/api/v1/orders", Shop.make_order),
    ("GET", r"/api/v1/orders/(\d+)", Shop.order),
    ("PATCH", r"/api/v1/orders/(\d+)", Shop.patch_order),
    ("GET", r"/reports/(\d{4}-\d\d-\d\d)", Shop.report),
    ("GET", r"/stock/(SKU-\d{5})", Shop.stock),
]
ThreadingHTTPServer(("127.0.0.1", PORT), Shop).serve_forever()
