"""The demonstration: an invented cloud company with customers, prices, usage and bills.

``manage.py demo`` puts it together. Whatever it makes goes through the same functions as the API
and the console; the row ``config.Demonstration`` remembers how far it has come.
"""
