"""What the members of a synthetic community know and say: topics with the words for them, places of work, names.

`TOPICS`: a topic's id, the words people use for it, and the topics that a person who asks would also find of some use.
`SYNONYMS` is the table that the managers of such a community would keep: most of the words, not all.
"""

from __future__ import annotations

from typing import Final, NamedTuple


class Topic(NamedTuple):
    """What people call it, the most usual first, and what is near it."""

    words: tuple[str, ...]
    near: tuple[str, ...] = ()


TOPICS: Final = {
    "hashing": Topic(("image hashing", "perceptual hashing", "hash matching", "PhotoDNA"), ("video", "classifiers")),
    "video": Topic(("video fingerprinting", "video hashing", "TMK"), ("hashing",)),
    "grooming": Topic(("grooming detection", "online grooming", "detecting grooming"), ("chat", "behaviour")),
    "chat": Topic(("chat moderation", "text moderation", "conversation safety"), ("grooming", "moderation")),
    "moderation": Topic(("content moderation", "trust and safety operations", "moderating content"), ("wellbeing",)),
    "wellbeing": Topic(("moderator wellbeing", "moderator welfare", "vicarious trauma"), ("moderation",)),
    "osint": Topic(("OSINT", "open-source intelligence", "open source investigation"), ("darkweb", "geolocation")),
    "darkweb": Topic(("dark web monitoring", "darknet research", "Tor hidden services"), ("osint", "crypto")),
    "crypto": Topic(("cryptocurrency tracing", "blockchain analysis", "bitcoin forensics"), ("payments", "darkweb")),
    "payments": Topic(("payment fraud", "financial transaction monitoring", "AML"), ("crypto",)),
    "geolocation": Topic(("geolocation", "locating images", "chronolocation"), ("osint",)),
    "victimid": Topic(("victim identification", "victim ID", "identifying victims"), ("geolocation", "forensics")),
    "forensics": Topic(("digital forensics", "device forensics", "mobile forensics"), ("victimid",)),
    "sextortion": Topic(("sextortion", "financial sextortion", "sexual extortion"), ("payments", "helpline")),
    "livestream": Topic(("livestreamed abuse", "live streaming abuse", "live-stream monitoring"), ("video",)),
    "genai": Topic(("AI-generated imagery", "synthetic media", "deepfakes", "generative AI abuse"), ("classifiers",)),
    "classifiers": Topic(("image classifiers", "machine learning classifiers", "nudity detection"), ("hashing",)),
    "nlp": Topic(("natural language processing", "NLP", "text mining"), ("chat", "grooming")),
    "behaviour": Topic(("behavioural signals", "offender behaviour", "behavioral analytics"), ("grooming",)),
    "ageassurance": Topic(("age verification", "age assurance", "age estimation"), ("privacy", "policy")),
    "privacy": Topic(("privacy engineering", "data protection", "GDPR"), ("encryption",)),
    "encryption": Topic(("end-to-end encryption", "E2EE", "client-side scanning"), ("privacy",)),
    "policy": Topic(("platform policy", "online safety policy", "policy writing"), ("regulation",)),
    "regulation": Topic(
        ("online safety regulation", "Digital Services Act", "DSA", "regulatory compliance"), ("policy",)
    ),
    "transparency": Topic(("transparency reporting", "transparency reports"), ("regulation",)),
    "helpline": Topic(("helpline services", "child helplines", "hotline operations"), ("survivors",)),
    "survivors": Topic(("survivor support", "survivor engagement", "trauma-informed care"), ("helpline",)),
    "education": Topic(("digital literacy", "online safety education", "media literacy"), ("parents",)),
    "parents": Topic(("parental controls", "parent guidance", "family safety"), ("education", "ageassurance")),
    "gaming": Topic(("gaming safety", "safety in online games", "game communities"), ("chat",)),
    "vr": Topic(("virtual reality safety", "VR safety", "metaverse"), ("gaming",)),
    "law": Topic(("law enforcement liaison", "police cooperation", "evidence requests"), ("legal",)),
    "legal": Topic(("cross-border evidence", "mutual legal assistance", "MLAT"), ("law",)),
    "takedown": Topic(("notice and takedown", "takedown requests", "content removal"), ("moderation",)),
    "url": Topic(("URL blocking", "domain blocking", "DNS filtering"), ("takedown",)),
    "phishing": Topic(("phishing", "phishing kits", "credential theft"), ("malware", "url")),
    "malware": Topic(("malware analysis", "reverse engineering", "analysing malware"), ("phishing", "intel")),
    "intel": Topic(("threat intelligence", "cyber threat intel", "CTI"), ("malware", "sharing")),
    "sharing": Topic(("signal sharing", "indicator sharing", "STIX", "MISP"), ("intel",)),
    "incident": Topic(("incident response", "crisis response", "incident handling"), ("intel",)),
    "extremism": Topic(("violent extremism", "terrorist content", "counter-extremism"), ("radical",)),
    "radical": Topic(("radicalisation", "radicalization pathways", "recruitment online"), ("extremism",)),
    "trafficking": Topic(("human trafficking", "trafficking in persons", "anti-trafficking"), ("payments", "osint")),
    "disinfo": Topic(("disinformation", "information operations", "coordinated inauthentic behaviour"), ("osint",)),
    "harassment": Topic(("online harassment", "cyberbullying", "pile-ons"), ("chat",)),
    "selfharm": Topic(("suicide prevention", "self-harm content", "eating disorder content"), ("helpline",)),
    "scams": Topic(("romance scams", "investment scams", "pig butchering"), ("payments", "phishing")),
    "metrics": Topic(("prevalence measurement", "harm metrics", "measuring prevalence"), ("transparency",)),
}

SYNONYMS: Final = (
    ("image hashing", "perceptual hashing", "hash matching", "PhotoDNA"),
    ("video fingerprinting", "video hashing", "TMK"),
    ("grooming detection", "online grooming"),
    ("OSINT", "open-source intelligence", "open source investigation"),
    ("dark web monitoring", "darknet research", "Tor hidden services"),
    ("cryptocurrency tracing", "blockchain analysis", "bitcoin forensics"),
    ("payment fraud", "financial transaction monitoring"),
    ("victim identification", "victim ID"),
    ("digital forensics", "device forensics", "mobile forensics"),
    ("sextortion", "sexual extortion"),
    ("AI-generated imagery", "synthetic media", "deepfakes", "generative AI abuse"),
    ("natural language processing", "NLP", "text mining"),
    ("age verification", "age assurance", "age estimation"),
    ("data protection", "GDPR", "privacy engineering"),
    ("end-to-end encryption", "E2EE"),
    ("Digital Services Act", "DSA", "online safety regulation"),
    ("child helplines", "helpline services", "hotline operations"),
    ("digital literacy", "media literacy", "online safety education"),
    ("virtual reality safety", "VR safety", "metaverse"),
    ("mutual legal assistance", "MLAT", "cross-border evidence"),
    ("threat intelligence", "cyber threat intel", "CTI"),
    ("human trafficking", "trafficking in persons", "anti-trafficking"),
    ("moderator wellbeing", "moderator welfare"),
    ("disinformation", "information operations"),
    ("online harassment", "cyberbullying"),
)

#: Beginnings and ends of the long tail: tags that few people have.
TAIL_FIRST: Final = tuple(
    "applied automated bayesian clinical cloud community comparative computational cross-platform customary "
    "distributed early-warning ethical experimental federated field forensic global graph historical human-centred "
    "inclusive international juvenile large-scale legal local longitudinal low-resource mobile multilingual network "
    "neural participatory peer pragmatic predictive preventive public qualitative quantitative rapid regional "
    "remote restorative rural scalable secure semantic social statistical strategic structural temporal tactical "
    "urban verifiable visual voluntary youth".split()
)
TAIL_LAST: Final = tuple(
    "accessibility advocacy annotation archiving arbitration audio audits benchmarking biometrics budgeting "
    "calibration campaigns capacity casework coaching coding collaboration consent coordination counselling "
    "crawling curation dashboards databases debriefing deployment documentation drafting engagement escalation "
    "ethics evaluation facilitation fieldwork fundraising governance indexing infrastructure interviewing labelling "
    "licensing linguistics litigation mediation mentoring modelling negotiation observability outreach partnerships "
    "prevention procurement prototyping provenance psychology recruiting redaction research reviewing sampling "
    "simulation sociology standards storytelling surveys taxonomy training translation triage usability "
    "visualisation volunteering".split()
)

ORGANISATIONS: Final = (
    ("northbridge", "Northbridge University", "academia"),
    ("eastmoor", "Eastmoor Institute", "academia"),
    ("saltmarsh", "Saltmarsh College", "academia"),
    ("harbour", "Harbour Trust", "charity"),
    ("lantern", "Lantern Children's Fund", "charity"),
    ("openhand", "Open Hand Network", "charity"),
    ("ministry", "Ministry of Digital Affairs", "government"),
    ("coastpolice", "Coast Police Service", "government"),
    ("regulator", "Online Safety Regulator", "government"),
    ("pixelpond", "Pixelpond", "industry"),
    ("chatterly", "Chatterly", "industry"),
    ("gamesmith", "Gamesmith Studios", "industry"),
    ("cloudfold", "Cloudfold", "industry"),
    ("payleaf", "Payleaf", "industry"),
)

ROLES: Final = {
    "academia": ("Lecturer", "Research fellow", "Doctoral student", "Professor"),
    "charity": ("Programme manager", "Case worker", "Analyst", "Director"),
    "government": ("Investigator", "Policy adviser", "Detective", "Inspector"),
    "industry": ("Engineer", "Trust and safety lead", "Data scientist", "Product manager"),
}

LANGUAGES: Final = ("English", "German", "French", "Spanish", "Portuguese", "Swahili", "Hindi", "Polish", "Tagalog")

FIRST: Final = tuple(
    "Amara Ben Chidi Dana Elif Farid Greta Hana Ivo Jun Kofi Lena Marek Nadia Omar Petra Quinn Rosa Sven Tara Uma "
    "Viktor Wanda Ximena Yusuf Zora Anton Birgit Carlos Dewi Esther Femi Gita Hugo Ines Jonas Katya Liam Mina "
    "Noor".split()
)
LAST: Final = tuple(
    "Okafor Lindqvist Moreau Tanaka Haddad Kowalski Fernandes Adeyemi Brandt Castillo Dimitrov Eriksen Fischer "
    "Gupta Hoang Ibrahim Jansen Kaplan Lopez Mwangi Novak Oliveira Petrov Quispe Rossi Santos Takahashi Ueda Varga "
    "Weiss Xu Yilmaz Zhang Abboud Bianchi Chukwu Duarte Engel Farouk Grigorescu Hernandez Ivanova Juarez Keller".split()
)
