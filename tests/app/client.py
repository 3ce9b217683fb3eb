"""Customers of shop.py: each does what customers do. usage: client.py HOST:PORT CUSTOMERS SEED"""
import http.client
import json
import random
import sys

HOST, CUSTOMERS, SEED = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
NAMES = "ada bob cleo dora emil fritz gina hugo ines jonas karla lena mara nils olga paul rosa sven tina uwe vera willi xenia yara zoe".split()
rng = random.Random(SEED)


class Customer:
    def __init__(self, number):
        self.name = NAMES[number % len(NAMES)] + ("" if number < len(NAMES) else rng.choice(NAMES) + str(number))
        self.http, self.token = http.client.HTTPConnection(HOST, timeout=10), None

    def send(self, method, path, body=None, headers=None):
        sent = {"User-Agent": "shop-app/2.1", **(headers or {})}
        if self.token:
            sent["Authorization"] = "Bearer " + self.token
        if body is not None and not isinstance(body, bytes):
            body, sent["Content-Type"] = json.dumps(body), "application/json"
        self.http.request(method, path, body, sent)
        answer = self.http.getresponse()
        data = answer.read()
        return json.loads(data) if answer.status < 300 and "json" in (answer.getheader("content-type") or "") else {}

    def shop(self, others):
        self.send("POST", "/v1/users", {"username": self.name, "password": "secret", "email": self.name + "@example.test"})
        self.token = self.send("POST", "/v1/login", {"username": self.name, "password": "secret"}).get("token")
        self.send("GET", "/v1/users/me")
        for name in {self.name, rng.choice(others)}:
            self.send("GET", f"/v1/users/{name}")
            self.send("GET", f"/v1/users/{name}/addresses")
        self.send("PATCH", f"/v1/users/{self.name}", {"language": rng.choice(["de", "en", "fr"])})
        self.send("POST", f"/v1/users/{self.name}/addresses", {"street": "Main 1", "city": "Ulm", "postcode": "89073"})
        self.send("GET", f"/v1/products?page={rng.randint(1, 9)}&size=5")
        self.send("GET", "/v1/products/search?q=Thing")
        for _ in range(3):
            sku = f"SKU-{rng.randint(0, 320):05d}"
            self.send("GET", f"/v{rng.choice([1, 1, 2])}/products/{sku}")
            self.send("GET", f"/v1/products/{sku}/reviews")
            made = self.send("POST", f"/v1/products/{sku}/reviews", {"stars": rng.randint(1, 5), "text": "fine"})
            if made and rng.random() < 0.5:
                self.send("DELETE", f"/v1/products/{sku}/reviews/{made['id']}")
        for _ in range(2):
            order = self.send("POST", "/v1/orders", {"items": [{"sku": "SKU-00001", "count": 2}]}).get("id", "none")
            self.send("GET", f"/v1/orders/{order}")
            self.send("GET", f"/v1/orders/{order}/items/{rng.randint(0, 1)}")
            self.send("PUT", f"/v1/orders/{order}", {"items": [{"sku": "SKU-00002", "count": 1}]})
            self.send("POST", f"/v1/orders/{order}/payments", {"method": "invoice", "amount": 12.5})
            if rng.random() < 0.5:
                self.send("DELETE", f"/v1/orders/{order}")
        self.send("GET", "/v1/orders?status=open")
        self.send("GET", f"/v1/coupons/{rng.choice(['SPRING', 'AUTUMN', 'NONE'])}")
        self.send("GET", f"/v1/reports/{rng.choice(['day', 'week', 'month'])}")
        self.send("GET", f"/v1/reports/daily/2026-{rng.randint(1, 12):02d}-{rng.randint(1, 28):02d}")
        form = b'--x\r\nContent-Disposition: form-data; name="file"; filename="a.pdf"\r\n\r\n%PDF-1.4 hello\r\n--x--\r\n'
        name = self.send("POST", "/v1/files", form, {"Content-Type": "multipart/form-data; boundary=x"}).get("name")
        self.send("GET", f"/v1/files/{name}")
        for path in rng.sample(["/", "/health", "/old-shop", "/admin/settings", "/.env", "/wp-login.php", "/v1/nothing"], 3):
            self.send("GET", path)
        self.send("PUT", f"/admin/settings/{rng.choice(['theme', 'banner', 'limits'])}")
        self.send("POST", "/v1/logout")


customers = [Customer(number) for number in range(CUSTOMERS)]
for customer in customers:
    customer.shop([other.name for other in customers])
