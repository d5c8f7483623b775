"""The company's sixty customers. All names and addresses are invented."""

from dataclasses import dataclass, field

# Size, name, street, place, region, post code, country, currency, plans.
TABLE = """
XL|Halden Robotics|410 Foundry Way|Portland|OR|97209|US|USD|models-enterprise gpu-reserved storage-business-usd support-premier
XL|Verity Search|88 Harrison Court|San Mateo|CA|94401|US|USD|models-enterprise storage-business-usd support-premier
XL|Kestrel Therapeutics|12 Meadowline Drive|Cambridge|MA|02142|US|USD|models-scale gpu-reserved storage-business-usd support-premier
XL|Nordlicht Mobilität GmbH|Hafenstraße 27|Hamburg||20457|DE|EUR|models-nordlicht gpu-reserved storage-business-eur support-premier
L|Brightwater Analytics|2200 Lakeshore Road|Chicago|IL|60614|US|USD|models-payg gpu-on-demand storage-standard-usd support-business
L|Osprey Legal Research|31 Chancery Yard|London||EC4A 1BL|GB|GBP|models-scale storage-business-gbp support-business
L|Atelier Ventoux|14 rue des Tanneurs|Lyon||69002|FR|EUR|models-scale gpu-on-demand storage-standard-eur
L|Tessera Imaging|700 Biotech Parkway|Durham|NC|27713|US|USD|gpu-reserved storage-business-usd support-business
L|Larkfield Insurance|5 Castle Quay|Edinburgh||EH1 2NG|GB|GBP|models-scale storage-standard-gbp support-business
L|Polder Logistics BV|Kadeweg 118|Rotterdam||3011 WM|NL|EUR|models-payg storage-business-eur support-business
L|Cinder Games|64 Arcade Street|Austin|TX|78702|US|USD|models-payg gpu-on-demand storage-standard-usd
L|Solstice Energy Trading|19 Fjordgata|Oslo||0250|NO|EUR|models-scale gpu-on-demand storage-standard-eur
L|Quillon Publishing|240 Orchard Avenue|New York|NY|10002|US|USD|models-scale storage-standard-usd
M|Marram Coastal Surveys|3 Harbour Terrace|Falmouth||TR11 3XN|GB|GBP|models-payg gpu-on-demand storage-standard-gbp
M|Fennel & Rye Foods|915 Mill Street|Minneapolis|MN|55401|US|USD|models-payg storage-standard-usd
M|Lumenpath Optics|Lindenallee 44|Jena||07743|DE|EUR|gpu-on-demand storage-standard-eur support-business
M|Cobalt Ledger|1 Exchange Plaza|Charlotte|NC|28202|US|USD|models-enterprise storage-standard-usd support-business
M|Juniper Peak Outdoors|1280 Timberline Road|Boulder|CO|80302|US|USD|models-payg storage-standard-usd
M|Vasco Telemetria|Rua do Bolhão 73|Porto||4000-112|PT|EUR|models-payg gpu-on-demand
M|Harrowgate Education|22 Priory Lane|Leeds||LS2 8NQ|GB|GBP|models-payg storage-standard-gbp support-care
M|Sable Island Data|77 Spring Garden Road|Halifax|NS|B3J 1X5|CA|USD|models-payg storage-standard-usd
M|Ostwind Drones GmbH|Werftstraße 9|Rostock||18057|DE|EUR|gpu-on-demand storage-standard-eur
M|Pinewell Diagnostics|560 Research Boulevard|San Diego|CA|92121|US|USD|models-payg gpu-on-demand support-business
M|Arkadia Travel|Ermou 31|Athens||10563|GR|EUR|models-payg storage-standard-eur
M|Bluestem Agronomy|402 Prairie Avenue|Des Moines|IA|50309|US|USD|models-payg gpu-on-demand storage-standard-usd
M|Copperline Telecom|8 Signal House|Manchester||M4 5JD|GB|GBP|models-scale storage-standard-gbp
M|Fathom Marine Acoustics|150 Pier Street|Seattle|WA|98101|US|USD|gpu-reserved storage-business-usd
M|Mirabelle Mode|9 place du Marché|Nancy||54000|FR|EUR|models-payg storage-standard-eur
M|Redcliff Advisory|45 King Street|Sydney|NSW|2000|AU|USD|models-payg storage-standard-usd support-care
M|Sturdy Oak Mortgage|3100 Peachtree Terrace|Atlanta|GA|30305|US|USD|models-payg storage-standard-usd
S|Amberline Studios|18 Canal Walk|Bristol||BS1 5TY|GB|GBP|models-payg storage-standard-gbp
S|Birch & Bell Architects|Kanalgade 6|Aarhus||8000|DK|EUR|models-payg storage-standard-eur
S|Cartwheel Kids Apps|733 Maple Street|Madison|WI|53703|US|USD|models-payg
S|Dovetail Recruiting|60 Queen Square|Bath||BA1 2HX|GB|GBP|models-payg
S|Elmhurst Radio|14 Broadcast Lane|Columbus|OH|43215|US|USD|models-payg storage-standard-usd
S|Fablehaven Press|Torstraße 88|Berlin||10119|DE|EUR|models-payg storage-standard-eur
S|Gullwing Car Sharing|Via Tortona 21|Milan||20144|IT|EUR|models-payg
S|Hazel Grove Clinics|210 Willow Road|Nashville|TN|37203|US|USD|models-payg storage-standard-usd
S|Inkwell Translations|Rue Haute 52|Brussels||1000|BE|EUR|models-payg
S|Jetty Software|4 Dock Road|Galway||H91 W2K8|IE|EUR|models-payg gpu-on-demand
S|Kindling Crowdfunding|925 Mission Alley|San Francisco|CA|94103|US|USD|models-payg storage-standard-usd
S|Loomis Textile Lab|6 Weaver Street|Providence|RI|02903|US|USD|gpu-on-demand storage-standard-usd
S|Moorland Weather|11 Observatory Road|Exeter||EX4 4QJ|GB|GBP|gpu-on-demand storage-standard-gbp
S|Nettle Herbal|Calle del Olmo 17|Valencia||46003|ES|EUR|models-payg
S|Orchardway Realty|505 Vine Street|Raleigh|NC|27601|US|USD|models-payg support-care
S|Pelican Bookkeeping|2 Bayfront Lane|Tampa|FL|33602|US|USD|models-payg storage-standard-usd
S|Quarry Lane Winery|88 Vineyard Road|Napa|CA|94558|US|USD|storage-standard-usd
S|Rosewater Events|33 Garden Street|Dublin||D02 XY45|IE|EUR|models-payg storage-standard-eur
S|Skylark Tutoring|71 Station Parade|Reading||RG1 1LX|GB|GBP|models-payg
XS|Tinderbox Labs|19 Workshop Mews|Glasgow||G1 4LD|GB|GBP|models-payg
XS|Umbra Photography|Kungsgatan 40|Uppsala||753 21|SE|EUR|storage-standard-eur
XS|Violet Fox Design|610 Studio Lane|Santa Fe|NM|87501|US|USD|models-payg storage-standard-usd
XS|Wicket Sports Data|5 Pavilion Road|Nottingham||NG2 6AG|GB|GBP|models-payg
XS|Yarrow Meal Kits|1442 Pearl Street|Denver|CO|80203|US|USD|models-payg
XS|Zephyr Kites|Strandweg 12|The Hague||2586 JA|NL|EUR|storage-standard-eur
XS|Alder Street Dental|27 Alder Street|Boise|ID|83702|US|USD|models-payg
XS|Bramble Bakery Apps|3 Oven Lane|York||YO1 7HH|GB|GBP|models-payg storage-standard-gbp
XS|Clover Ridge Vets|450 County Road|Lexington|KY|40507|US|USD|models-payg
XS|Driftwood Ceramics|Rua da Praia 5|Faro||8000-302|PT|EUR|storage-standard-eur
XS|Ember Trail Guides|89 Canyon Drive|Moab|UT|84532|US|USD|models-payg storage-standard-usd
"""  # noqa: E501
REGIONS = {"US": "us-east", "CA": "us-east", "AU": "ap-southeast", "GB": "eu-west", "IE": "eu-west"}
# Whole hours from UTC, by country: when people there are at work.
HOURS_FROM_UTC = {"US": -6, "CA": -4, "AU": 10, "GB": 0, "IE": 0, "PT": 0, "GR": 2}


@dataclass(frozen=True, slots=True)
class Customer:
    """One customer: who it is, how large, and the codes of the plans it begins with."""

    code: str
    size: str
    name: str
    address: dict[str, str] = field(hash=False)
    currency: str
    plans: tuple[str, ...]

    @property
    def email(self) -> str:
        """Where its bills go; the domain is reserved for examples."""
        return f"accounts-payable@{self.code}.example"

    @property
    def region(self) -> str:
        """The data centre it uses."""
        return REGIONS.get(self.address["country"], "eu-central")

    @property
    def hours_from_utc(self) -> int:
        """How far its working day is shifted."""
        return HOURS_FROM_UTC.get(self.address["country"], 1)


def _customer(row: str) -> Customer:
    size, name, street, place, region, post_code, country, currency, plans = row.split("|")
    address = {
        "addressLine1": street,
        "locality": place,
        "region": region,
        "postCode": post_code,
        "country": country,
    }
    return Customer(
        code=_code(name),
        size=size,
        name=name,
        address={key: value for key, value in address.items() if value},
        currency=currency,
        plans=tuple(plans.split()),
    )


def _code(name: str) -> str:
    """Return the name's first two words as a code: ``halden-robotics``."""
    plain = name.lower().replace("ä", "a").replace("&", "").split()
    return "-".join(plain[:2])


CUSTOMERS = tuple(_customer(row) for row in TABLE.strip().splitlines())
