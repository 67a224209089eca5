"""How lots stand: of what (`subjects`), lot by lot (`overview`), counted (`summary`), and how fast they go (`pace`)."""
