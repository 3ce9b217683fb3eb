"""A shop's API, written as such things are written, for the sensor to discover.

usage: shop.py PORT LOG

Serves its own description at /openapi.json. LOG gets a line per answered request: method, route, status.
"""
import sys
import uuid
from datetime import date
from enum import Enum

import uvicorn
from fastapi import Depends, FastAPI, File, Header, HTTPException, Query, Request, Response, UploadFile
from fastapi.responses import PlainTextResponse, RedirectResponse
from pydantic import BaseModel, Field

app = FastAPI(title="Shop")
LOG = open(sys.argv[2], "a", buffering=1)
USERS, ORDERS, REVIEWS, ADDRESSES, FILES = {}, {}, {}, {}, {}
TOKENS = {"tester": {"username": "tester", "email": "tester@example.test", "language": "en", "password": "none"}}
PRODUCTS = {f"SKU-{n:05d}": {"sku": f"SKU-{n:05d}", "title": f"Thing {n}", "price": n * 1.5, "tags": ["a"]} for n in range(300)}
COUPONS = {"SPRING": 10, "AUTUMN": 15}


@app.middleware("http")
async def log(request: Request, call_next):
    response = await call_next(request)
    route = request.scope.get("route")
    path = route.path if route else request.url.path
    if route or response.status_code < 400:
        LOG.write(f"{request.method}\t{path}\t{response.status_code}\n")
    return response


class Credentials(BaseModel):
    username: str = Field(min_length=3, max_length=20, pattern="^[a-z][a-z0-9]+$")
    password: str = Field(min_length=3)


class Registration(Credentials):
    email: str


class Profile(BaseModel):
    email: str | None = None
    language: str | None = None


class Item(BaseModel):
    sku: str
    count: int = Field(ge=1, le=99)


class Order(BaseModel):
    items: list[Item]
    note: str | None = None


class Payment(BaseModel):
    method: str
    amount: float


class Review(BaseModel):
    stars: int = Field(ge=1, le=5)
    text: str = ""


class Address(BaseModel):
    street: str
    city: str
    postcode: str


class Period(str, Enum):
    day, week, month = "day", "week", "month"


def known(authorization: str = Header(default="")):
    user = TOKENS.get(authorization.removeprefix("Bearer "))
    if user is None:
        raise HTTPException(401, "who are you?")
    return user


def find(table, key):
    if key not in table:
        raise HTTPException(404, "not found")
    return table[key]


@app.get("/")
def root(): return {"name": "shop", "version": "1.4.2"}
@app.get("/health", response_class=PlainTextResponse)
def health(): return "ok"
@app.get("/old-shop")
def old(): return RedirectResponse("/v1/products", 308)


@app.post("/v1/users", status_code=201)
def register(new: Registration):
    if new.username in USERS:
        raise HTTPException(409, "taken")
    USERS[new.username] = {"username": new.username, "email": new.email, "language": "en", "password": new.password}
    return {"username": new.username, "email": new.email}


@app.post("/v1/login")
def login(credentials: Credentials):
    user = USERS.get(credentials.username)
    if user is None or user["password"] != credentials.password:
        raise HTTPException(401, "wrong")
    token = uuid.uuid4().hex
    TOKENS[token] = user
    return {"token": token, "expires_in": 3600}


@app.post("/v1/logout", status_code=204)
def logout(authorization: str = Header(default=""), user=Depends(known)):
    TOKENS.pop(authorization.removeprefix("Bearer "), None)
    return Response(status_code=204)


def shown(user): return {key: user[key] for key in ("username", "email", "language")}


@app.get("/v1/users/me")
def me(user=Depends(known)): return {**shown(user), "session": "active"}
@app.get("/v1/users/{username}")
def user(username: str, user=Depends(known)): return shown(find(USERS, username))


@app.patch("/v1/users/{username}")
def change(username: str, profile: Profile, user=Depends(known)):
    changed = find(USERS, username)
    changed.update(profile.model_dump(exclude_none=True))
    return shown(changed)


@app.get("/v1/users/{username}/addresses")
def addresses(username: str, user=Depends(known)):
    find(USERS, username)
    return {"addresses": ADDRESSES.get(username, [])}


@app.post("/v1/users/{username}/addresses", status_code=201)
def add_address(username: str, address: Address, user=Depends(known)):
    find(USERS, username)
    ADDRESSES.setdefault(username, []).append(address.model_dump())
    return address


@app.get("/v1/products")
def products(page: int = Query(1, ge=1), size: int = Query(10, ge=1, le=50), tag: str | None = None):
    every = list(PRODUCTS.values())
    return {"items": every[(page - 1) * size:page * size], "page": page, "total": len(every)}


@app.get("/v1/products/search")
def search(q: str): return {"hits": [p for p in PRODUCTS.values() if q in p["title"]][:5], "took_ms": 1}
@app.get("/v1/products/{sku}")
def product(sku: str): return find(PRODUCTS, sku)
@app.get("/v1/products/{sku}/reviews")
def reviews(sku: str): return {"reviews": REVIEWS.get(find(PRODUCTS, sku)["sku"], []), "average": 3.5}


@app.post("/v1/products/{sku}/reviews", status_code=201)
def review(sku: str, new: Review, user=Depends(known)):
    entry = {"id": len(REVIEWS) + 1, "stars": new.stars, "text": new.text, "by": user["username"]}
    REVIEWS.setdefault(find(PRODUCTS, sku)["sku"], []).append(entry)
    return entry


@app.delete("/v1/products/{sku}/reviews/{review_id}", status_code=204)
def unreview(sku: str, review_id: int, user=Depends(known)):
    kept = REVIEWS.get(sku, [])
    if not any(entry["id"] == review_id for entry in kept):
        raise HTTPException(404, "not found")
    REVIEWS[sku] = [entry for entry in kept if entry["id"] != review_id]
    return Response(status_code=204)


@app.get("/v1/orders")
def orders(user=Depends(known), status: str | None = None):
    return {"orders": [o for o in ORDERS.values() if o["by"] == user["username"]][:20]}


@app.post("/v1/orders", status_code=201)
def order(new: Order, user=Depends(known)):
    key = str(uuid.uuid4())
    ORDERS[key] = {"id": key, "by": user["username"], "items": [i.model_dump() for i in new.items], "status": "open", "total": 12.5}
    return ORDERS[key]


@app.get("/v1/orders/{order_id}")
def one_order(order_id: uuid.UUID, user=Depends(known)): return find(ORDERS, str(order_id))


@app.put("/v1/orders/{order_id}")
def replace(order_id: uuid.UUID, new: Order, user=Depends(known)):
    find(ORDERS, str(order_id))["items"] = [i.model_dump() for i in new.items]
    return ORDERS[str(order_id)]


@app.delete("/v1/orders/{order_id}", status_code=204)
def cancel(order_id: uuid.UUID, user=Depends(known)):
    find(ORDERS, str(order_id))
    del ORDERS[str(order_id)]
    return Response(status_code=204)


@app.post("/v1/orders/{order_id}/payments", status_code=202)
def pay(order_id: uuid.UUID, payment: Payment, user=Depends(known)):
    find(ORDERS, str(order_id))["status"] = "paid"
    return {"payment_id": str(uuid.uuid4()), "state": "pending"}


@app.get("/v1/orders/{order_id}/items/{position}")
def item(order_id: uuid.UUID, position: int, user=Depends(known)):
    items = find(ORDERS, str(order_id))["items"]
    if not 0 <= position < len(items):
        raise HTTPException(404, "not found")
    return items[position]


@app.get("/v1/coupons/{code}")
def coupon(code: str): return {"code": code, "percent": find(COUPONS, code)}
@app.get("/v1/reports/{period}")
def report(period: Period, user=Depends(known)): return {"period": period, "orders": len(ORDERS), "revenue": 1.0}
@app.get("/v1/reports/daily/{day}")
def daily(day: date, user=Depends(known)): return {"day": day, "orders": 3}


@app.post("/v1/files", status_code=201)
async def upload(file: UploadFile = File(...), user=Depends(known)):
    name = f"file{len(FILES)}.pdf"
    FILES[name] = await file.read()
    return {"name": name, "bytes": len(FILES[name])}


@app.get("/v1/files/{name}")
def download(name: str, user=Depends(known)):
    return Response(find(FILES, name), media_type="application/pdf")


@app.get("/v2/products/{sku}")
def product2(sku: str): return {"data": find(PRODUCTS, sku), "links": {"self": f"/v2/products/{sku}"}}
@app.get("/admin/settings")
def settings(user=Depends(known)): return {"maintenance": False, "limits": {"orders": 10}}
@app.put("/admin/settings/{name}")
def set_setting(name: str, user=Depends(known)): return {"name": name, "changed": True}


uvicorn.run(app, host="0.0.0.0", port=int(sys.argv[1]), log_level="error")
