data "aws_iam_policy_document" "assume_deployer" {
  statement {
    actions = ["sts:AssumeRole"]

    principals {
      type        = "Service"
      identifiers = ["codebuild.amazonaws.com"]
    }
  }
}

resource "aws_iam_role" "deployer" {
  name                 = "acme-deployer"
  description          = "Assumed by the delivery pipeline."
  assume_role_policy   = data.aws_iam_policy_document.assume_deployer.json
  max_session_duration = 3600
}

data "aws_iam_policy_document" "deploy" {
  statement {
    sid       = "RollOutServices"
    actions   = ["ecs:DescribeServices", "ecs:UpdateService"]
    resources = ["*"]
  }

  statement {
    sid       = "PullImages"
    actions   = ["ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer"]
    resources = ["*"]
  }
}

resource "aws_iam_policy" "deploy" {
  name        = "acme-deploy"
  description = "What a deployment needs, and no more."
  policy      = data.aws_iam_policy_document.deploy.json
}

resource "aws_iam_role_policy_attachment" "deployer" {
  role       = aws_iam_role.deployer.name
  policy_arn = aws_iam_policy.deploy.arn
}

resource "aws_iam_role" "auditor" {
  name               = "acme-auditor"
  description        = "Reads; assumed by the auditors' tooling."
  assume_role_policy = data.aws_iam_policy_document.assume_deployer.json

  tags = {
    Owner = "security"
  }
}
