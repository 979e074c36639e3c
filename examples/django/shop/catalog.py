"""What the shop sells. Prices are in cents."""

from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Product:
    id: int
    name: str
    text: str
    cents: int
    grams: int
    hue: int  # the colour of its picture, in degrees

    @property
    def price(self) -> str:
        return money(self.cents)

    def as_json(self) -> dict:
        return asdict(self) | {"price": self.price}


def money(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


_PRODUCTS = (
    Product(1, "Assam tea", "Malty and strong; it takes milk well.", 690, 100, 18),
    Product(2, "Sencha", "Steamed green leaf from the spring picking.", 940, 100, 96),
    Product(3, "Lapsang", "Dried over pine fires, for rainy evenings.", 880, 100, 8),
    Product(4, "Yirgacheffe coffee", "Washed, floral, roasted light.", 1250, 250, 26),
    Product(5, "Mocha coffee", "Old Yemeni varieties with a note of cocoa.", 1890, 250, 14),
    Product(6, "Ceylon cinnamon", "Thin quills that crumble between the fingers.", 520, 40, 22),
    Product(7, "Black cardamom", "Smoky pods for slow stews.", 610, 50, 280),
    Product(8, "Saffron", "A gram of threads, picked by hand at dawn.", 1120, 1, 36),
    Product(9, "Sichuan pepper", "It tingles first and smells of lemon after.", 480, 50, 348),
    Product(10, "Sumac", "Sour red berries, ground with salt.", 430, 80, 336),
    Product(11, "Brass scoop", "Holds twelve grams of leaf, level.", 1490, 85, 44),
    Product(12, "Pocket steelyard", "One arm, one weight, honest to the gram.", 4200, 310, 204),
)
_BY_ID = {product.id: product for product in _PRODUCTS}


def products() -> tuple[Product, ...]:
    return _PRODUCTS


def find(product_id: int) -> Product | None:
    return _BY_ID.get(product_id)
