import click


@click.command()
def experiment() -> None: ...
@click.command()
def report() -> None: ...
