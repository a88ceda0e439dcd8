"""Uploads are looked at for malware and for what is known, before anybody can open or share them (rule F1).

`clamd`, `known_list` and `matcher` ask; they block, and are called from threads. `screener` puts them together,
`screening` has each upload decided about, `unscanned` looks later at what could not be scanned, `alerts` tells the
stewards, `watch` whoever runs the server.
"""
