"""Ways in: public collections (`fetch`), a DICOM node (`receive`), a DICOMweb archive (`pull`).

Objects are written as they come, named by their UIDs, whole or not at all; `cohort` reads them afterwards.
"""

from perisurv.archives.fetch import ENDPOINT, Fetched, FetchPlan, fetch, plan_fetch
from perisurv.archives.idc_index import Collection, IdcIndex, Wanted, collections, load_index
from perisurv.archives.pull import Login, Pulled, PullOptions, pull
from perisurv.archives.receive import Received, ReceiveOptions, Receiver, receive

__all__ = [
    "ENDPOINT",
    "Collection",
    "FetchPlan",
    "Fetched",
    "IdcIndex",
    "Login",
    "PullOptions",
    "Pulled",
    "ReceiveOptions",
    "Received",
    "Receiver",
    "Wanted",
    "collections",
    "fetch",
    "load_index",
    "plan_fetch",
    "pull",
    "receive",
]
