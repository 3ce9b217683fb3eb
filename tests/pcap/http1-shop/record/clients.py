#!/usr/bin/env python3
"""The shop's customers, its warehouse, its monitoring, and one scanner: real clients with an
address each. usage: clients.py SERVER_IP SECONDS SEED OUTAGE_FILE

From 60 % to 70 % of the time orders fail; at 80 % somebody looks for forgotten paths."""
import http.client
import json
import os
import random
import subprocess
import sys
import threading
import time

SERVER, SECONDS, SEED, OUTAGE = sys.argv[1], float(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
BEGAN = time.monotonic()
PROBES = """.env .git/config .aws/credentials wp-login.php wp-admin/ phpmyadmin/ admin.php backup.zip db.sql
config.php server-status actuator/env actuator/heapdump api/swagger.json v2/api-docs graphql console jenkins
solr/admin manager/html cgi-bin/test .svn/entries .DS_Store debug/pprof old/ test.php info.php phpinfo.php
xmlrpc.php api/v1/admin api/internal telescope/requests vendor/phpunit .vscode/sftp.json id_rsa dump.sql
docker-compose.yml web.config crossdomain.xml owa/auth autodiscover remote/login hnap1 boaform/admin""".split()


def elapsed():
    return (time.monotonic() - BEGAN) / SECONDS


class Client:
    """One address, one keep-alive connection at a time."""

    def __init__(self, address, host, agent):
        self.address, self.host, self.agent = address, host, agent
        self.connection, self.left = None, 0

    def ask(self, method, path, body=None, headers=None):
        if self.left == 0:
            self.close()
            self.connection = http.client.HTTPConnection(SERVER, 8080, timeout=10, source_address=(self.address, 0))
            self.left = random.randint(5, 30)
        self.left -= 1
        sent = {"Host": self.host, "User-Agent": self.agent, "Accept": "application/json", **(headers or {})}
        data = None
        if body is not None:
            data = json.dumps(body)
            sent["Content-Type"] = "application/json"
        self.connection.request(method, path, data, sent)
        answer = self.connection.getresponse()
        text = answer.read()
        kind = answer.getheader("Content-Type") or ""
        if answer.getheader("Content-Encoding"):
            return answer.status, None
        return answer.status, json.loads(text) if "json" in kind and text else None

    def close(self):
        if self.connection:
            self.connection.close()


def customer(number):
    rng = random.Random(SEED * 1000 + number)
    client = Client(f"10.88.0.{10 + number}", "shop.example.test", "ShopApp/3.2 (Android 14)")
    name = "user%02d" % number
    while elapsed() < 1:
        _, session = client.ask("POST", "/api/v1/login", {"user": name, "password": "correct horse"})
        auth = {"Authorization": "Bearer " + session["access_token"]}
        for _ in range(rng.randint(2, 5)):
            if elapsed() >= 1:
                break
            client.ask("GET", f"/api/v1/products?page={rng.randrange(12)}", headers={"Accept-Encoding": "gzip"} if rng.random() < 0.5 else None)
            pick = 1000 + rng.randrange(124)
            client.ask("GET", f"/api/v1/products/{pick}")
            time.sleep(rng.uniform(0.5, 3))
            if rng.random() < 0.4:
                client.ask("GET", f"/api/v1/products/{pick}/reviews")
            if rng.random() < 0.4:
                client.ask("GET", "/api/v1/users/me", headers=auth)
            if rng.random() < 0.8:
                _, cart = client.ask("POST", "/api/v1/carts", {"currency": "EUR"}, auth)
                client.ask("PUT", f"/api/v1/carts/{cart['id']}/items", {"product": pick, "quantity": rng.randint(1, 3)}, auth)
                status, order = client.ask("POST", "/api/v1/orders", {"cart": cart["id"], "ship_to": {"city": "Ulm", "zip": "89073"}}, auth)
                if status == 503:
                    for _ in range(2):
                        time.sleep(0.4)
                        client.ask("POST", "/api/v1/orders", {"cart": cart["id"], "ship_to": {"city": "Ulm", "zip": "89073"}}, auth)
                elif rng.random() < 0.8:
                    client.ask("GET", f"/api/v1/orders/{order['id']}", headers=auth)
                if status == 201 and rng.random() < 0.1:
                    client.ask("PATCH", f"/api/v1/orders/{order['id']}", {"state": "cancelled"}, auth)
                if rng.random() < 0.3:
                    client.ask("DELETE", f"/api/v1/carts/{cart['id']}", headers=auth)
            time.sleep(rng.uniform(2, 8))
    client.close()


def warehouse():
    rng = random.Random(SEED + 7)
    client = Client("10.88.0.60", "stock.example.test", "warehouse-sync/1.8")
    while elapsed() < 1:
        client.ask("GET", "/stock/SKU-%05d" % (rng.randrange(120) * 37), headers={"X-Api-Key": "wh-5f0c2a9d71e84b36"})
        time.sleep(rng.uniform(2, 4))
    client.close()


def partner():
    rng = random.Random(SEED + 8)
    while elapsed() < 1:
        word = rng.choice("lamp chair rug vase".split())
        subprocess.run(["curl", "-s", "-o", "/dev/null", "--interface", "10.88.0.61", "--compressed", "-H", "Host: shop.example.test",
                        f"http://{SERVER}:8080/api/v2/search?q={word}&limit=5&api_key=pk-8d3be1f07a"], check=True)
        time.sleep(rng.uniform(4, 8))


def operations():
    client = Client("10.88.0.62", "ops.example.test", "ops-cron/2")
    while elapsed() < 1:
        client.ask("GET", "/healthz")
        if int(elapsed() * SECONDS) % 30 < 10:
            client.ask("GET", "/reports/2026-11-%02d" % random.Random(int(elapsed() * 40)).randint(1, 23), headers={"Authorization": "Basic b3BzOm9wcy1zZWNyZXQ="})
        client.ask("HEAD", "/healthz")
        time.sleep(10)
    client.close()


def outage():
    while elapsed() < 0.6:
        time.sleep(0.2)
    open(OUTAGE, "w").close()
    while elapsed() < 0.7:
        time.sleep(0.2)
    os.remove(OUTAGE)


def scanner():
    while elapsed() < 0.8:
        time.sleep(0.2)
    client = Client("10.88.0.66", "shop.example.test", "Mozilla/5.0 zgrab/0.x")
    for probe in PROBES:
        client.ask("GET", "/" + probe)
        time.sleep(0.1)
    client.close()


threads = [threading.Thread(target=customer, args=(n,)) for n in range(4)]
threads += [threading.Thread(target=run) for run in (warehouse, partner, operations, outage, scanner)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
