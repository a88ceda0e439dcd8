"""Commands that members write to bots: declared as data, and read by one grammar in bots, module and portal.

`declaration` says what a command is, `values` what may stand in its places, `reading` finds it in a text, `writing`
writes it for a form, and `spoken` says which text of an event counts at all. Nothing here knows Matrix clients,
databases, or what is done about a command.
"""
