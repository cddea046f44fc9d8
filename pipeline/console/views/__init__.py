"""The pages of the console, a module for each, named after its page.

A page `files` is one template (`templates/files.html`), one view function (`views/files.py: files`) and one query
(`infra/ledger/console.py: ConsoleBook.files`). Views hold no SQL, queries no HTML; a test of the
shape holds this.
"""
