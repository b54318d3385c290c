"""Every private thing of Faust and aiokafka that Forwarder relies on. Nothing outside this package may touch one.

Each is listed once, in `PRIVATE`; a contract test fails with its line when an upgrade changes it.
"""

from __future__ import annotations
