"""Report: one self-contained HTML page of an event, without network access, scripts or other files.

`content` collects what the page says of a result: the verdict in words (`words`), the table, published values
(`published`), and the command that makes it again (`command`). `page` renders it with the template `page.html` and the
pictures. The command line draws these in a process that does not import torch, so that `page` and `pages` stay light.
"""
