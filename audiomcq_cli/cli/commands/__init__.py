"""The commands, one file each.

=============  ==========================================
run            ``run``
export         ``export``, one subcommand for each format
recipe_schema  ``recipe-schema``
demo           ``demo``
importing      ``import``
journal        ``journal pack``, ``unpack`` and ``info``
publish        ``publish``
probe          ``probe``
diff           ``diff``
validate       ``validate``
sources        ``sources``
stages         one command a stage
status         ``status``
trace          ``trace``
=============  ==========================================
"""
